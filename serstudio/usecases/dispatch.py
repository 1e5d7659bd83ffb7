"""From a request to its use-case, importing the use-case only when it runs (torch takes seconds)."""

from collections.abc import Callable, Generator
from importlib import import_module

from serstudio.usecases import base_requests, comparison_requests, requests
from serstudio.usecases.events import Event

UseCase = Callable[[requests.Request], Generator[Event, None, None]]

USECASES: dict[type, str] = {
    requests.NewProject: "serstudio.usecases.new_project:new_project",
    requests.ImportClips: "serstudio.usecases.import_clips:import_clips",
    requests.AdaptProject: "serstudio.usecases.adapt_project:adapt_project",
    requests.CheckProject: "serstudio.usecases.check_project:check_project",
    comparison_requests.CompareProject: "serstudio.usecases.compare_project:compare_project",
    requests.ClassifyFiles: "serstudio.usecases.classify_files:classify_files",
    requests.ExportModel: "serstudio.usecases.export_model:export_model",
    requests.EvaluateManifest: "serstudio.usecases.evaluate_manifest:evaluate_manifest",
    requests.CompareMethods: "serstudio.usecases.evaluate_manifest:compare_methods",
    requests.MetatrainBase: "serstudio.usecases.metatrain_base:metatrain_base",
    requests.RunExperiment: "serstudio.usecases.run_experiment:run_experiment",
    requests.DescribeMachine: "serstudio.usecases.describe_machine:describe_machine",
    requests.MeasureMemory: "serstudio.usecases.measure_memory:measure_memory",
    base_requests.ListBases: "serstudio.usecases.bases:list_bases",
    base_requests.DownloadBase: "serstudio.usecases.bases:download_base",
    base_requests.AddBase: "serstudio.usecases.bases:add_base",
    base_requests.RemoveBase: "serstudio.usecases.bases:remove_base",
    base_requests.VerifyBases: "serstudio.usecases.bases:verify_bases",
    requests.MakeSampleProject: "serstudio.usecases.make_sample_project:make_sample_project",
}


def run(request: requests.Request) -> Generator[Event, None, None]:
    """Run the use-case of `request`; the last event is `Done`. Raises SerStudioError."""
    module_name, function_name = USECASES[type(request)].split(":")
    usecase: Callable[[requests.Request], Generator[Event, None, None]] = getattr(
        import_module(module_name), function_name
    )
    return usecase(request)
