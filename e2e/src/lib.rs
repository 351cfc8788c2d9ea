//! End-to-end tests of the program as people run it: computers and phones in Chromium, phones on the command line,
//! strangers on plain HTTP, power cuts. Everything is in `tests/`.
