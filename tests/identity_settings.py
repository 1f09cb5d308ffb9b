"""The development settings with the stand-in of `tests.identity` in the providers' place, for a whole instance."""

import os

from stocking.settings.development import *  # noqa: F403
from tests.identity import CREDENTIALS

SOCIAL_CREDENTIALS = CREDENTIALS
SOCIAL_STAND_IN = os.environ["STOCKING_IDENTITY_PROVIDER"]
