"""Pictures of plans: a U for papers, README files, slides and terminals."""

from .drawing import SUFFIXES as SUFFIXES
from .drawing import Drawing as Drawing
from .drawing import form_of as form_of
from .drawing import placed as placed
from .style import Style as Style
from .style import StyleOptions as StyleOptions
