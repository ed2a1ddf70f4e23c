"""Who acts: the user the operating system knows, never a name that someone typed."""

from __future__ import annotations

import getpass
import os
from functools import lru_cache


@lru_cache(maxsize=1)
def current_actor() -> str:
    """Return the login name of the user this process runs as.

    The password database is asked, not `USER` or `LOGNAME`, which anyone can set; a user it does
    not know (a container) is named by number. Windows has no such database: `getpass` answers.
    """
    try:
        import pwd
    except ImportError:
        return getpass.getuser()
    user_id = os.getuid()
    try:
        return pwd.getpwuid(user_id).pw_name
    except KeyError:
        return f"uid:{user_id}"
