"""Networks of videos: diffusers' are asked themselves, and each part is given what it is given."""

from functools import cache
from typing import Any

import diffusers
import pytest
import torch
from proofs import agree, counted, notice
from references import drawn, importer, of_levels
from torch import nn

import archkit
from archkit import SpecError
from archkit.conversion import read_foreign
from archkit.testing.parity import Reference, randomise

PUBLISHED = {
    "modelscope-text-to-video": 1_411_233_860,
    "stable-video-diffusion": 1_524_623_082,
    "animatediff-v2": 1_312_730_244,
    "animatediff-v3": 1_276_658_564,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "modelscope-text-to-video": {
        **{"_class_name": "UNet3DConditionModel", "sample_size": 32},
        **{"cross_attention_dim": 1024, "attention_head_dim": 64},
    },
    "stable-video-diffusion": {
        **{"_class_name": "UNetSpatioTemporalConditionModel", "sample_size": 96},
        **{"in_channels": 8, "out_channels": 4, "num_frames": 14, "addition_time_embed_dim": 256},
        **{"num_attention_heads": [5, 10, 20, 20], "cross_attention_dim": 1024},
        "projection_class_embeddings_input_dim": 768,
    },
    "animatediff-v2": {"_class_name": "UNetMotionModel", "cross_attention_dim": 768},
    "animatediff-v3": {
        **{"_class_name": "UNetMotionModel", "cross_attention_dim": 768},
        "use_motion_mid_block": False,
    },
}
_CROSS, _PLAIN = "CrossAttn{}BlockSpatioTemporal", "{}BlockSpatioTemporal"
_STABLE_VIDEO = {
    **{"_class_name": "UNetSpatioTemporalConditionModel", "sample_size": 16, "in_channels": 8},
    **{"cross_attention_dim": 12, "layers_per_block": 1, "num_frames": 3},
    **{"addition_time_embed_dim": 16, "projection_class_embeddings_input_dim": 48},
}
_MOTION = {
    **{"_class_name": "UNetMotionModel", "sample_size": 16, "layers_per_block": 1},
    **{"block_out_channels": [16, 32], "norm_num_groups": 8, "cross_attention_dim": 12},
    "down_block_types": ["CrossAttnDownBlockMotion", "DownBlockMotion"],
    "up_block_types": ["UpBlockMotion", "CrossAttnUpBlockMotion"],
    **{"num_attention_heads": 2, "motion_num_attention_heads": [2, 4]},
}
SMALL: dict[str, dict[str, Any]] = {
    "animatediff": _MOTION,
    "animatediff, still at the bottom": {
        **{**_MOTION, "use_motion_mid_block": False, "norm_eps": 1e-4},
        **{"time_cond_proj_dim": 5, "downsample_padding": 0},
    },
    "animatediff, deeper": {
        **{**_MOTION, "transformer_layers_per_block": [2, 1], "use_linear_projection": True},
        **{"temporal_transformer_layers_per_block": [1, 2], "mid_block_scale_factor": 2},
    },
    "modelscope": {
        **{"_class_name": "UNet3DConditionModel", "sample_size": 16, "layers_per_block": 1},
        **{"block_out_channels": [8, 16, 16], "norm_num_groups": 4, "norm_eps": 1e-3},
        "down_block_types": [*["CrossAttnDownBlock3D"] * 2, "DownBlock3D"],
        "up_block_types": ["UpBlock3D", *["CrossAttnUpBlock3D"] * 2],
        **{"cross_attention_dim": 8, "attention_head_dim": 4, "time_cond_proj_dim": 5},
        **{"mid_block_scale_factor": 2.0, "downsample_padding": 0},
    },
    "stable video": {
        **{**_STABLE_VIDEO, "block_out_channels": [32, 64, 64], "num_attention_heads": [4, 8, 8]},
        "down_block_types": [kind.format("Down") for kind in (_CROSS, _CROSS, _PLAIN)],
        "up_block_types": [kind.format("Up") for kind in (_PLAIN, _CROSS, _CROSS)],
    },
    "stable video, deeper": {
        **{**_STABLE_VIDEO, "block_out_channels": [32, 32], "num_attention_heads": [2, 4]},
        **{"layers_per_block": [1, 2], "transformer_layers_per_block": [1, 2]},
        "down_block_types": [kind.format("Down") for kind in (_PLAIN, _CROSS)],
        "up_block_types": [kind.format("Up") for kind in (_PLAIN, _CROSS)],
    },
}
FLIPS = {
    "animatediff": """skip.order=skip-first norm.groups=4 block.norm.eps=1e-2
        encoder.1.attention.heads=2 encoder.1.attention.positions=none
        encoder.1.attention.norm.eps=1e-2 encoder.1.attention.looks=1
        encoder.0.attention.spatial.heads=4 encoder.0.attention.temporal.heads=4
        encoder.0.attention.temporal.positions=none encoder.0.attention.spatial.norm.eps=1e-2
        bottleneck.attention.temporal.heads=2 bottleneck.attention.spatial.heads=4
        head.norm.eps=1e-2 conditioning.time.order=sin-cos""",
    "modelscope": """skip.order=skip-first norm.groups=8 stem.temporal.head_width=8
        stem.temporal.width=16 stem.temporal.looks=1 stem.temporal.positions=sinusoidal
        stem.temporal.norm.eps=1e-2 block.temporal.count=3 block.temporal.kernel=[1,1,1]
        block.temporal.activation=relu block.temporal.norm.eps=1e-3 block.blend=true
        block.spatial.norm.eps=1e-5 block.temporal.norm=layer attention.temporal.head_width=2
        attention.spatial.head_width=2 attention.temporal.depth=2
        attention.temporal.norm.eps=1e-2 attention.spatial.norm.eps=1e-2 head.norm.eps=1e-2
        stem=conv bottleneck.block.spatial.scale=1.0 pooling.padding=both
        conditioning.time.order=sin-cos""",
    "stable video": """skip.order=skip-first block.blend=false block.temporal.kernel=[1,1,1]
        block.spatial.norm.eps=1e-2 block.temporal.norm.eps=1e-2 block.temporal.method=none
        decoder.2.block.spatial.norm.eps=1e-3 encoder.2.block.temporal.norm.eps=1e-2
        attention.head_width=4 attention.norm.eps=1e-2 attention.norm=layer attention.depth=2
        head.norm.eps=1e-2 precondition.answer=residual
        precondition.sigma_data=0.5 conditioning.micro.sizes=2 conditioning.time.order=sin-cos""",
}
SAMPLES = ((3, 16, 24), (5, 32, 16))


@cache
def reference(name: str, sample: int = 0) -> tuple[dict[str, Any], Reference]:
    """Our spec of a small network by its config, and what the original answers."""
    config, family = SMALL[name], importer("diffusers")
    options = {k: v for k, v in config.items() if not k.startswith("_")}
    module = randomise(getattr(diffusers, config["_class_name"])(**options))
    x, t = drawn(2, options.get("in_channels", 4), *SAMPLES[sample]), torch.tensor([7, 901])
    inputs = {"x": x, "t": t, "text": drawn(2, 7, options["cross_attention_dim"])}
    asked: dict[str, Any] = {"encoder_hidden_states": inputs["text"]}
    if isinstance(module, diffusers.UNetSpatioTemporalConditionModel):
        t = torch.tensor([-0.3, 0.9])
        inputs["micro"] = asked["added_time_ids"] = torch.tensor([[6, 127, 0.02], [7, 50, 0.1]])
        with torch.no_grad():
            inputs |= of_levels(module, x, t, asked)[0]
        inputs["image"] = x[:, 4:]
    if isinstance(module, diffusers.UNetMotionModel):  # it is told the text of each frame
        asked["encoder_hidden_states"] = inputs["text"].repeat_interleave(x.shape[2], 0)
    if guidance := options.get("time_cond_proj_dim"):
        inputs["guidance"] = asked["timestep_cond"] = drawn(2, guidance)

    def ask(model: nn.Module) -> torch.Tensor:
        if isinstance(model, diffusers.UNetSpatioTemporalConditionModel):
            return of_levels(model, x, t, asked)[1]
        return model(x, t, **asked).sample

    return family.spec(config), Reference.of(module, family.codebase(config), inputs, ask)


@pytest.mark.parametrize("name", PUBLISHED)
def test_counts(name: str) -> None:
    assert counted(name) == PUBLISHED[name]


@pytest.mark.parametrize("name", CONFIGS)
def test_their_config_is_our_spec(name: str) -> None:
    own = archkit.plan(f"specs/{name}.yaml")
    read = archkit.plan(read_foreign(CONFIGS[name]).spec, size=own.space)
    nodes = [[(n.path, n.component.model_dump(), n.shape, n.cost) for n in p] for p in (read, own)]
    assert nodes[0] == nodes[1]


@pytest.mark.parametrize("sample", [0, 1])
@pytest.mark.parametrize("name", SMALL)
def test_parity(name: str, sample: int) -> None:
    agree(*reference(name, sample))


@pytest.mark.parametrize("name", FLIPS)
def test_wrong_options_are_noticed(name: str) -> None:
    notice(*reference(name), FLIPS[name].split())


@pytest.mark.parametrize(
    ("name", "config", "words"),
    [
        ("modelscope", {"act_fn": "gelu"}, '`act_fn: "gelu"`'),
        ("modelscope", {"num_attention_heads": 4}, "`num_attention_heads: 4`"),
        ("modelscope", {"down_block_types": ["DownBlock2D"] * 3}, '`down_block_types: "DownBlo'),
        ("stable video", {"cross_attention_dim": [12, 8, 8]}, "`cross_attention_dim: [12, 8, 8]`"),
        ("stable video", {"transformer_layers_per_block": [[1], 1, 1]}, "[[1], 1, 1]"),
        ("stable video", {"addition_time_embed_dim": 15}, "input_dim: 48`"),
    ],
)
def test_what_has_no_counterpart_is_told(name: str, config: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        importer("diffusers").spec({**SMALL[name], **config})
    assert words in str(caught.value)


PLANES: dict[str, Any] = {
    "archkit": 1,
    "name": "planes",
    "input": {"channels": 3, "frames": 4, "size": [16, 8]},
    "norm": {"groups": 4},
    "conditioning": {
        "label": {"type": "label", "classes": 3},
        "text": {"type": "sequence", "channels": 5},
    },
    "attention": {"type": "transformer", "heads": 2},
    "encoder": [{"channels": 8, "blocks": 1, "attention": True}, {"channels": 12, "blocks": 1}],
}


def told(batch: int) -> dict[str, torch.Tensor]:
    return {"label": torch.arange(batch) % 3, "text": drawn(batch, 6, 5)}


def test_parts_that_do_not_look_across_frames_are_given_each_alone() -> None:
    """A network of images is one of videos: the same weights, frame by frame."""
    model = archkit.assemble(PLANES)
    randomise(model).eval()
    flat = archkit.assemble({**PLANES, "input": {"channels": 3, "size": [16, 8]}})
    flat.load_state_dict(model.state_dict())
    flat.eval()
    x, t = drawn(2, 3, 5, 24, 8), torch.tensor([0.2, 0.9])
    with torch.no_grad():
        video = model(x, t, **told(2))
        images = torch.stack([flat(x[:, :, i], t, **told(2)) for i in range(5)], dim=2)
    assert video.shape == x.shape
    assert (video - images).abs().max() <= 1e-5 * images.abs().max()


def test_frames_are_an_axis_of_the_plan() -> None:
    plan = archkit.plan(PLANES)
    assert [str(axis) for axis in plan.axes] == ["any size", "a multiple of 2", "a multiple of 2"]
    assert plan.axis_names == ("frames", "height", "width")
    assert plan.output.space == plan.space == (4, 16, 8)
    assert plan["stem"].site.x.space == (16, 8), "a stem is given each frame"
    assert plan["stem"].x.space == (4, 16, 8)
    assert archkit.plan(PLANES, size=32).space == (4, 32, 32)
    assert archkit.plan(PLANES, size=(7, 32, 8)).space == (7, 32, 8)


def test_what_is_seen_is_told_for_each_axis() -> None:
    rows = {row.path: row.field for row in archkit.report(PLANES).stages}
    assert str(rows["stem"]) == "1×3×3"
    assert rows["encoder.0"].inside == ((2, 2), (0, 15), (0, 7)), "its attention sees one frame"
    block = {"type": "video"}
    deep = {row.path: row.field for row in archkit.report({**PLANES, "block": block}).stages}
    assert deep["encoder.0"].size[0] == 5, "two convolutions along the frames"
    attention = {"type": "video", "spatial": PLANES["attention"], "temporal": {"heads": 2}}
    whole = {
        row.path: row.field for row in archkit.report({**PLANES, "attention": attention}).stages
    }
    assert str(whole["encoder.0"]) == "global"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"channels": 3, "frames": 4, "size": [8, 8, 8]}, "the frames of a video have one axis or"),
        ({"channels": 3, "frames": 4, "size": [16, 9]}, "width 9 does not fit"),
    ],
)
def test_what_does_not_fit_a_video(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        archkit.plan({**PLANES, "input": given})
    assert words in str(caught.value)


def test_parts_across_frames_need_frames() -> None:
    flat = {**PLANES, "input": {"channels": 3, "size": 16}, "block": "video"}
    with pytest.raises(SpecError) as caught:
        archkit.plan(flat)
    assert "block `video` serves 3-D, and this network is 2-D" in str(caught.value)
