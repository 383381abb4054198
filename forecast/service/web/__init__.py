"""The web application: desk, reports, push and health, as blueprints of one Flask application."""
