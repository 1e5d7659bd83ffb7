"""From a request to its use-case, importing the use-case only when it runs (torch takes seconds)."""

from collections.abc import Callable, Generator
from importlib import import_module

from serstudio.usecases import base_requests, comparison_requests, requests, research_requests
from serstudio.usecases.events import Event

Request = (
    base_requests.BaseRequest
    | comparison_requests.CompareProject
    | requests.NewProject
    | requests.ImportClips
    | requests.AdaptProject
    | requests.CheckProject
    | requests.ClassifyFiles
    | requests.ExportModel
    | requests.DescribeMachine
    | requests.MeasureMemory
    | requests.MakeSampleProject
    | research_requests.EvaluateManifest
    | research_requests.CompareMethods
    | research_requests.MetatrainBase
    | research_requests.RunExperiment
)
UseCase = Callable[[Request], Generator[Event, None, None]]

USECASES: dict[type, str] = {
    requests.NewProject: "serstudio.usecases.new_project:new_project",
    requests.ImportClips: "serstudio.usecases.import_clips:import_clips",
    requests.AdaptProject: "serstudio.usecases.adapt_project:adapt_project",
    requests.CheckProject: "serstudio.usecases.check_project:check_project",
    comparison_requests.CompareProject: "serstudio.usecases.compare_project:compare_project",
    requests.ClassifyFiles: "serstudio.usecases.classify_files:classify_files",
    requests.ExportModel: "serstudio.usecases.export_model:export_model",
    research_requests.EvaluateManifest: "serstudio.usecases.evaluate_manifest:evaluate_manifest",
    research_requests.CompareMethods: "serstudio.usecases.evaluate_manifest:compare_methods",
    research_requests.MetatrainBase: "serstudio.usecases.metatrain_base:metatrain_base",
    research_requests.RunExperiment: "serstudio.usecases.run_experiment:run_experiment",
    requests.DescribeMachine: "serstudio.usecases.describe_machine:describe_machine",
    requests.MeasureMemory: "serstudio.usecases.measure_memory:measure_memory",
    base_requests.ListBases: "serstudio.usecases.bases:list_bases",
    base_requests.DownloadBase: "serstudio.usecases.bases:download_base",
    base_requests.AddBase: "serstudio.usecases.bases:add_base",
    base_requests.RemoveBase: "serstudio.usecases.bases:remove_base",
    base_requests.VerifyBases: "serstudio.usecases.bases:verify_bases",
    requests.MakeSampleProject: "serstudio.usecases.make_sample_project:make_sample_project",
}


def run(request: Request) -> Generator[Event, None, None]:
    """Run the use-case of `request`; the last event is `Done`. Raises SerStudioError."""
    module_name, function_name = USECASES[type(request)].split(":")
    usecase: UseCase = getattr(import_module(module_name), function_name)
    return usecase(request)
