"""One test that does nothing: what pytest, its plugins and its workers take by themselves."""


def test_empty():
    """Nothing."""
