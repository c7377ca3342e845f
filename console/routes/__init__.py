"""The API's routes, one module per subject. Each has a `router`; `console.app` puts them together."""
