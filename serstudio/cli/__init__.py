"""The terminal front end: one thin module a group of verbs over `serstudio.usecases`. No Qt, no torch."""
