"""Small networks trained and compressed: the measured response."""
