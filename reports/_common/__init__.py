"""What several reports share: style, tables, searches, published figures."""
