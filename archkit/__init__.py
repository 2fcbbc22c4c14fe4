"""Diffusion U-Nets, declared in YAML, proven on paper, assembled from plugins, run in torch.

Everything public is here. Names are loaded when first used, so that `import archkit` is quick and
imports no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .accounts import diff as diff
    from .accounts import draw as draw
    from .accounts import report as report
    from .api import assemble as assemble
    from .api import check as check
    from .api import load as load
    from .api import load_spec as load_spec
    from .api import plan as plan
    from .api import save as save
    from .component import Component as Component
    from .component import Inherited as Inherited
    from .component import Misfit as Misfit
    from .component import Number as Number
    from .component import PerAxis as PerAxis
    from .component import Slot as Slot
    from .conversion import convert as convert
    from .costs import Cost as Cost
    from .errors import ArchkitError as ArchkitError
    from .errors import DiffusionError as DiffusionError
    from .errors import DrawingError as DrawingError
    from .errors import PluginError as PluginError
    from .errors import Problem as Problem
    from .errors import ShapeError as ShapeError
    from .errors import Span as Span
    from .errors import SpecError as SpecError
    from .errors import WeightError as WeightError
    from .exports import export as export
    from .hooks import hookimpl as hookimpl
    from .importer import Codebase as Codebase
    from .importer import Config as Config
    from .importer import Constant as Constant
    from .importer import Importer as Importer
    from .importer import Options as Options
    from .importer import Packed as Packed
    from .importer import Shapes as Shapes
    from .importer import Table as Table
    from .layouts import Layout as Layout
    from .looks import Op as Op
    from .parts import Activation as Activation
    from .parts import Attention as Attention
    from .parts import Block as Block
    from .parts import Condition as Condition
    from .parts import Embedding as Embedding
    from .parts import Head as Head
    from .parts import Norm as Norm
    from .parts import Part as Part
    from .parts import Pooling as Pooling
    from .parts import Precondition as Precondition
    from .parts import Resampler as Resampler
    from .parts import Role as Role
    from .parts import Route as Route
    from .parts import Site as Site
    from .parts import Skip as Skip
    from .parts import Stem as Stem
    from .parts import Tensor as Tensor
    from .parts import Time as Time
    from .parts import Upsampling as Upsampling
    from .parts import cost_of_frames as cost_of_frames
    from .plans import Node as Node
    from .plans import Plan as Plan
    from .predictions import NoisePath as NoisePath
    from .predictions import Prediction as Prediction
    from .registry import Registry as Registry
    from .registry import default_registry as default_registry
    from .registry import load_registry as load_registry
    from .reports.differences import Comparison as Comparison
    from .reports.figures import Report as Report
    from .shapes import KEEP as KEEP
    from .shapes import Shape as Shape
    from .shapes import SizeMap as SizeMap
    from .shapes import near_divisor as near_divisor
    from .shapes import resized as resized
    from .spec import Bottleneck as Bottleneck
    from .spec import Conditioning as Conditioning
    from .spec import DecoderStage as DecoderStage
    from .spec import Input as Input
    from .spec import Output as Output
    from .spec import Spec as Spec
    from .spec import Stage as Stage
    from .windows import Window as Window

_HOME = {
    "accounts": "diff draw report",
    "api": "assemble check load load_spec plan save",
    "component": "Component Inherited Misfit Number PerAxis Slot",
    "conversion": "convert",
    "costs": "Cost",
    "errors": "ArchkitError DiffusionError DrawingError PluginError Problem ShapeError Span "
    "SpecError WeightError",
    "exports": "export",
    "hooks": "hookimpl",
    "importer": "Codebase Config Constant Importer Options Packed Shapes Table",
    "layouts": "Layout",
    "looks": "Op",
    "parts": "Activation Attention Block Condition Embedding Head Norm Part Pooling "
    "Precondition Resampler Role Route Site Skip Stem Tensor Time Upsampling cost_of_frames",
    "plans": "Node Plan",
    "predictions": "NoisePath Prediction",
    "registry": "Registry default_registry load_registry",
    "reports.differences": "Comparison",
    "reports.figures": "Report",
    "shapes": "KEEP Shape SizeMap near_divisor resized",
    "spec": "Bottleneck Conditioning DecoderStage Input Output Spec Stage",
    "windows": "Window",
}
_PUBLIC = {name: home for home, names in _HOME.items() for name in names.split()}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    home = _PUBLIC.get(name)
    if home is None:
        raise AttributeError(f"module 'archkit' has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
