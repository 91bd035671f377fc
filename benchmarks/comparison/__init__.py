"""Which client a team should pick: eegrpc and its peers at the same work, in one run, by turns."""
