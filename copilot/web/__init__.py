"""The web application: pages for people, interfaces for programs, one server for both."""
