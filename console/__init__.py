"""The operators' console: REST, event stream, sign-in and pages."""
