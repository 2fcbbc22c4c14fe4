"""EDM and EDM2: the networks of Karras et al., by the arguments of their constructors."""

from .first import EDM as EDM
from .second import EDM2 as EDM2
