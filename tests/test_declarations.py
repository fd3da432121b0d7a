"""Every declaration is validated."""


def test_every_declaration_can_be_read(unreadable, judge):
    """No file of declarations raises when it is imported: its models would be missing from the run."""
    judge(
        "files of declarations that cannot be read",
        len(unreadable),
        at_most=0,
        evidence="; ".join(unreadable.values()),
        look_at="the file that is named; the other models were validated without it",
    )
