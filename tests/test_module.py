"""The module runs its plan: names, values freed in time, copies, graphs, precision, checkpoints."""

import copy
import pickle
import weakref
from typing import Any

import pytest
import torch
from networks import CLASSIC, PLAIN, SMALL, TOLD, network, passed
from torch import Tensor, nn
from torch.autograd.graph import saved_tensors_hooks

import archkit
from archkit import assemble

EACH = pytest.mark.parametrize("spec", SMALL.values(), ids=SMALL)


def answer(out: Any) -> Tensor:
    """The mean, where there is a variance too."""
    return out if isinstance(out, Tensor) else out.mean


@EACH
def test_what_leaves_has_the_shape_of_the_sample(spec: Any) -> None:
    model = network(spec)
    given = passed(model.plan)
    assert answer(model(**given)).shape == given["x"].shape


@pytest.mark.parametrize("size", [(8,), (4, 12), (2, 4, 6)])
def test_other_sizes_than_the_planned_one_run(size: tuple[int, ...]) -> None:
    model = network({**PLAIN, "input": {"channels": 3, "dims": len(size), "size": 16}})
    x = torch.randn(1, 3, *size)
    assert model(x, 0.5).shape == x.shape


@EACH
def test_parameters_are_named_after_the_nodes(spec: Any) -> None:
    model = assemble(spec)
    counted = {node.path: 0 for node in model.plan}
    for name, parameter in model.named_parameters():
        path = max((p for p in counted if name.startswith(f"{p}.")), key=len)
        counted[path] += parameter.numel()
    assert counted == {node.path: node.cost.parameters for node in model.plan}


def test_names_are_stable() -> None:
    names = list(assemble(PLAIN).state_dict())
    assert len(names) == len(set(names))
    for name in (
        *("stem.weight", "head.norm.weight", "head.conv.bias"),
        *("encoder.0.blocks.0.block.conv1.weight", "encoder.0.pooling.weight"),
        *("encoder.1.blocks.0.attention.qkv.weight", "bottleneck.1.block.norm2.bias"),
        *("decoder.0.upsampling.conv.weight", "decoder.1.blocks.1.block.shortcut.weight"),
        *("conditioning.time.linear1.weight", "decoder.0.blocks.0.block.embedding.weight"),
    ):
        assert name in names


@EACH
def test_no_value_is_kept_after_its_last_reader(spec: Any) -> None:
    model = network(spec)
    order = {node.path: i for i, node in enumerate(model.plan)}
    last = {value: order[path] for value, path in model.plan.last_reader.items()}
    made: dict[str, weakref.ref[Tensor]] = {}
    late: list[str] = []

    def before(path: str) -> Any:
        def look(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            alive = {p for p, ref in made.items() if ref() is not None}
            late.extend(f"{p} at {path}" for p in alive if last[p] < order[path])
            missing = [p for p in made if p not in alive and last[p] >= order[path]]
            assert not missing, f"{missing} were freed before {path}"

        return look

    def after(path: str) -> Any:
        def note(module: nn.Module, arguments: Any, out: Tensor) -> None:
            if not any(out is a for a in arguments):  # what passes through is not made here
                made[path] = weakref.ref(out)

        return note

    for node in model.plan:
        model.get_submodule(node.path).register_forward_pre_hook(before(node.path))
        model.get_submodule(node.path).register_forward_hook(after(node.path))
    with torch.no_grad():
        model(**passed(model.plan))
    assert len(made) > len(order) / 2
    assert late == []


@EACH
def test_copies_and_pickles_answer_the_same(spec: Any) -> None:
    model = network(spec)
    given = passed(model.plan)
    wanted = answer(model(**given))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(answer(twin(**given)), wanted)
        assert twin.plan == model.plan
        assert not {p.data_ptr() for p in twin.parameters()} & {
            p.data_ptr() for p in model.parameters()
        }


@EACH
def test_it_lives_on_the_meta_device_until_it_has_weights(spec: Any) -> None:
    whole = network(spec)
    light = assemble(spec, initialise=False).eval()
    assert all(tensor.is_meta for tensor in light.state_dict().values())
    given = passed(light.plan, device="meta")
    assert answer(light(**given)).shape == given["x"].shape
    light.load_state_dict(whole.state_dict(), assign=True)
    given = passed(light.plan)
    assert torch.equal(answer(light(**given)), answer(whole(**given)))


@EACH
def test_bfloat16(spec: Any) -> None:
    model = network(spec)
    wanted = answer(model(**passed(model.plan))).detach()
    given = passed(model.plan, dtype=torch.bfloat16)
    out = answer(model.to(torch.bfloat16)(**given))
    assert out.dtype == torch.bfloat16
    assert torch.allclose(out.float(), wanted, rtol=0.1, atol=0.05 * float(wanted.abs().max()))


@EACH
def test_one_graph(spec: Any) -> None:
    model = network(spec)
    given = passed(model.plan)
    torch._dynamo.reset()
    graph = torch.compile(model, fullgraph=True, backend="eager")
    assert torch.allclose(answer(graph(**given)), answer(model(**given)), atol=1e-5)


class Positional(nn.Module):
    """A model that takes everything by position.

    torch.export cannot yet give keyword arguments without a name of their own in `forward` a
    dynamic size (pytorch issue 150022).
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *given: Tensor) -> Tensor:
        return answer(self.model(**dict(zip(self.model.plan.inputs, given, strict=True))))


@EACH
def test_export_with_any_batch(spec: Any) -> None:
    model = network(spec)
    given = tuple(passed(model.plan).values())
    sizes = torch.export.ShapesCollection()
    for tensor in given:
        sizes[tensor] = {0: torch.export.Dim("batch")}
    dynamic = sizes.dynamic_shapes(Positional(model), given)
    program = torch.export.export(Positional(model), given, dynamic_shapes=dynamic)
    for count in (1, 3):
        other = passed(model.plan, batch=count)
        out = program.module()(*other.values())
        assert torch.allclose(out, answer(model(**other)), atol=1e-5)


# Gradient checkpointing ---------------------------------------------------------------------------


def trained(model: Any, paths: Any) -> tuple[list[Tensor], int]:
    """The gradients of one step, and how many numbers were kept for the backward pass."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor
        return tensor

    model.train().zero_grad()
    model.save_memory(paths)
    given = passed(model.plan)
    torch.manual_seed(5)
    with saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = answer(model(**given)).square().mean()
    own = {p.data_ptr() for p in model.parameters()}
    size = sum(t.numel() for pointer, t in kept.items() if pointer not in own)
    loss.backward()
    return [p.grad.clone() for p in model.parameters()], size


@EACH
def test_checkpointing_keeps_less_and_changes_nothing(spec: Any) -> None:
    model = network({**spec, "block": {**spec.get("block", {"type": "resnet"}), "dropout": 0.3}})
    block = next(n.path for n in model.plan if n.component.kind == "block")
    wanted, plain = trained(model, False)
    for paths in ([block], True):
        gradients, size = trained(model, paths)
        for a, b in zip(gradients, wanted, strict=True):
            assert torch.allclose(a, b, rtol=1e-4, atol=1e-7)
        assert size < plain
        plain = size
    gradients, size = trained(model, False)
    assert size > plain


def test_checkpointing_names_nodes() -> None:
    with pytest.raises(ValueError, match=r"no node is called 'encoder\.7'; see `archkit plan`"):
        assemble(PLAIN).save_memory(["encoder.7"])


# What leaves --------------------------------------------------------------------------------------


def test_learned_variance_is_a_named_pair_mean_first() -> None:
    model = network(TOLD)
    heads: list[Tensor] = []
    model.head.register_forward_hook(lambda module, given, out: heads.append(out))
    out = model(**passed(model.plan))
    assert out._fields == ("mean", "variance")
    assert torch.equal(torch.cat([out.mean, out.variance], dim=1), heads[0])
    assert out.mean.shape == out.variance.shape == (2, 2, 16, 8)


def test_a_label_left_out_is_the_null_class() -> None:
    model = network(TOLD)
    given = passed(model.plan)
    del given["label"]
    told = model(**given, label=torch.full((2,), 5)).mean
    assert torch.equal(model(**given).mean, told)
    assert not torch.equal(model(**given, label=torch.zeros(2, dtype=torch.int64)).mean, told)


def test_labels_are_dropped_only_in_training() -> None:
    model = network(TOLD)
    given = passed(model.plan, batch=1)
    told = model(**given).mean
    nothing = model(**{**given, "label": torch.tensor([5])}).mean
    torch.manual_seed(0)
    assert all(torch.equal(model(**given).mean, told) for _ in range(8))
    model.train()
    seen = [model(**given).mean for _ in range(32)]
    dropped = sum(torch.allclose(out, nothing, atol=1e-6) for out in seen)
    kept = sum(torch.allclose(out, told, atol=1e-6) for out in seen)
    assert dropped + kept == 32
    assert 8 <= dropped <= 24


def test_one_time_stands_for_the_whole_batch() -> None:
    model = network(PLAIN)
    x = torch.randn(2, 3, 16, 16)
    wanted = model(x, torch.tensor([0.25, 0.25]))
    assert torch.equal(model(x, 0.25), wanted)
    assert torch.equal(model(x, torch.tensor(0.25)), wanted)
    assert not torch.equal(model(x, 0.5), wanted)


# Sizes --------------------------------------------------------------------------------------------

PADDED = {
    "archkit": 1,
    "name": "padded",
    "fit": "pad",
    "norm": {"groups": 4},
    "conditioning": {"low": {"type": "image", "channels": 1}},
    "encoder": [{"channels": 8, "blocks": 1}] * 3,
}


@pytest.mark.parametrize("size", [(7,), (16,), (5, 10), (13, 4), (3, 5, 9)])
def test_padding_is_cropped_back_exactly(size: tuple[int, ...]) -> None:
    spec = {**PADDED, "input": {"channels": 2, "dims": len(size), "size": list(size)}}
    model = network(spec)
    strict = network({**spec, "fit": "strict", "input": {**spec["input"], "size": 16}})
    assert strict.load_state_dict(model.state_dict())
    x, low = torch.randn(2, 2, *size), torch.randn(2, 1, *size)
    whole = tuple(-(-n // 4) * 4 for n in size)
    inside = (..., *(slice(n) for n in size))
    wide = [torch.zeros(*t.shape[:2], *whole) for t in (x, low)]
    for t, source in zip(wide, (x, low), strict=True):
        t[inside] = source
    out = model(x, 0.3, low=low)
    assert out.shape == x.shape
    assert torch.equal(out, strict(wide[0], 0.3, low=wide[1])[inside])


def test_padding_leaves_sequences_alone() -> None:
    """In one dimension, a sequence of as many channels as the sample is long has its shape."""
    spec = {**PADDED, "input": {"channels": 2, "size": [6]}, "attention": "transformer"}
    spec["conditioning"] = {"text": {"type": "sequence", "channels": 6}}
    spec["encoder"] = [{"channels": 8, "blocks": 1, "attention": True}, {"channels": 8}]
    spec["encoder"].append({"channels": 8})
    model = network(spec)
    x = torch.randn(2, 2, 6)
    assert model(x, 0.3, text=torch.randn(2, 5, 6)).shape == x.shape


def test_valid_convolutions_shrink() -> None:
    block = {**CLASSIC["block"], "padding": "valid"}
    spec = {**CLASSIC, "input": {"channels": 1, "size": 30}, "fit": "valid", "block": block}
    model = network({**spec, "skip": {"type": "concat", "match": "crop"}})
    assert model.plan.output == archkit.Shape(1, (14, 14))
    assert model(torch.randn(1, 1, 30, 34)).shape == (1, 1, 14, 18)
