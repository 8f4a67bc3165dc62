"""Who may command what, and when: roles, signatures, replays, rates, audit."""
