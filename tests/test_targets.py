"""What a network says, exactly as any other kind of prediction, on every path."""

import pytest
import torch
from diffusers import DDPMScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from archkit import DiffusionError, Misfit, NoisePath, Prediction, default_registry
from archkit.diffusion.targets import DATA, NOISE, convert, error, noised, path_of, target


def component(kind: str, name: str, **options: object) -> Prediction | NoisePath:
    found: Prediction | NoisePath = default_registry().component(kind, name)(**options)
    return found


def prediction(name: str, **options: object) -> Prediction:
    found = component("prediction", name, **options)
    assert isinstance(found, Prediction)
    return found


PREDICTIONS = {
    "velocity": prediction("velocity"),
    "velocity to noise": prediction("velocity", toward="noise"),
    "noise": prediction("noise"),
    "score": prediction("score"),
    "sample": prediction("sample"),
    "v": prediction("v"),
}
PATHS: dict[str, dict[str, object]] = {
    "linear": {"type": "linear"},
    "linear, data at 0": {"type": "linear", "data_at": 0},
    "ddpm": {"type": "ddpm"},
    "ddpm, zero terminal": {"type": "ddpm", "zero_terminal": True},
    "ddpm, 50 steps": {"type": "ddpm", "steps": 50, "beta_end": 0.1},
    "scaled-linear": {"type": "scaled-linear"},
    "cosine": {"type": "cosine"},
}


def torch_path(name: str):
    return path_of(prediction("v", path=PATHS[name]))


def normal(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("wanted", PREDICTIONS)
@pytest.mark.parametrize("given_", PREDICTIONS)
@settings(max_examples=20)
@given(share=st.floats(0.001, 0.999))
def test_every_pair_converts_exactly_and_back(
    given_: str, wanted: str, path: str, share: float
) -> None:
    road = torch_path(path)
    t = torch.tensor(road.noisy + share * (road.clean - road.noisy), dtype=torch.float64)
    first, second = PREDICTIONS[given_], PREDICTIONS[wanted]
    data, noise, moment = normal(2, 3), normal(2, 3, seed=1), road.at(t)
    x = noised(data, noise, moment)
    said = target(first, data, noise, moment)
    there = convert(said, x, first, second, moment)
    torch.testing.assert_close(
        there, target(second, data, noise, moment), rtol=1e-6, atol=1e-6 * said.abs().max().item()
    )
    back = convert(there, x, second, first, moment)
    torch.testing.assert_close(back, said, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("end", ["noisy", "clean"])
def test_v_and_velocity_are_defined_at_both_ends(path: str, end: str) -> None:
    road = torch_path(path)
    moment = road.at(torch.tensor(getattr(road, end)))
    data, noise = normal(2, 3), normal(2, 3, seed=1)
    x = noised(data, noise, moment)
    for name in ("v", "velocity"):
        said = target(PREDICTIONS[name], data, noise, moment)
        for kind, truth in ((DATA, data), (NOISE, noise)):
            torch.testing.assert_close(convert(said, x, PREDICTIONS[name], kind, moment), truth)


def test_what_says_nothing_is_refused_and_not_guessed() -> None:
    road = torch_path("ddpm, zero terminal")
    x = normal(2, 3)
    noisy, clean = road.at(torch.tensor(999.0)), road.at(torch.tensor(-1.0))
    for name in ("noise", "score"):
        with pytest.raises(DiffusionError, match="says nothing beside x_t"):
            convert(x, x, PREDICTIONS[name], DATA, noisy)
    for name in ("sample", "score"):
        with pytest.raises(DiffusionError, match="says nothing beside x_t"):
            convert(x, x, PREDICTIONS[name], NOISE, clean)
    same = convert(x, x, PREDICTIONS["noise"], PREDICTIONS["score"], noisy)
    torch.testing.assert_close(same, -x)


def test_times_may_differ_within_a_batch() -> None:
    road = torch_path("cosine")
    moment = road.at(torch.tensor([3, 500]))
    data, noise = normal(2, 1, 4, 4), normal(2, 1, 4, 4, seed=1)
    x = noised(data, noise, moment)
    said = target(PREDICTIONS["v"], data, noise, moment)
    torch.testing.assert_close(convert(said, x, PREDICTIONS["v"], DATA, moment), data)


def test_velocity_is_data_minus_noise() -> None:
    data, noise = normal(2, 3), normal(2, 3, seed=1)
    for path in ("linear", "linear, data at 0"):
        moment = torch_path(path).at(torch.tensor([0.2, 0.7]))
        velocity = target(PREDICTIONS["velocity"], data, noise, moment)
        assert torch.equal(velocity, data - noise)
        opposite = target(PREDICTIONS["velocity to noise"], data, noise, moment)
        assert torch.equal(opposite, noise - data)


def test_v_is_that_of_salimans_and_ho() -> None:
    moment = torch_path("ddpm").at(torch.tensor([10, 900]))
    alpha, sigma = (c[:, None] for c in moment[:2])
    data, noise = normal(2, 3), normal(2, 3, seed=1)
    said = target(PREDICTIONS["v"], data, noise, moment)
    torch.testing.assert_close(said, alpha * noise - sigma * data)


@pytest.mark.parametrize("path", PATHS)
def test_rates_are_derivatives_towards_data(path: str) -> None:
    road = torch_path(path)
    step = 1e-6 * (road.clean - road.noisy)
    between = torch.linspace(road.noisy, road.clean, 13, dtype=torch.float64)[1:-1] + 0.31 * step
    here, there = road.at(between), road.at(between + step)
    for value, later, rate in zip(here[:2], there[:2], here[2:], strict=True):
        torch.testing.assert_close((later - value) / abs(step), rate, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(
    ("path", "schedule"),
    [
        ({"type": "ddpm"}, {"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02}),
        ({"type": "scaled-linear"}, {"beta_schedule": "scaled_linear", "beta_start": 0.00085,
                                     "beta_end": 0.012}),
        ({"type": "cosine"}, {"beta_schedule": "squaredcos_cap_v2"}),
        ({"type": "ddpm", "zero_terminal": True}, {"rescale_betas_zero_snr": True}),
        ({"type": "ddpm", "steps": 17}, {"num_train_timesteps": 17}),
    ],
)  # fmt: skip
def test_steps_are_those_of_diffusers(path: dict[str, object], schedule: dict[str, object]) -> None:
    theirs = DDPMScheduler(**schedule).alphas_cumprod.double()
    ours = path_of(prediction("v", path=path))
    steps = torch.arange(len(theirs))
    # Theirs are multiplied in single precision.
    torch.testing.assert_close(ours.alpha(steps) ** 2, theirs, rtol=2e-5, atol=1e-6)
    torch.testing.assert_close(
        ours.alpha(steps) ** 2 + ours.sigma(steps) ** 2, torch.ones(len(theirs)).double()
    )


def test_between_steps_a_path_is_smooth() -> None:
    road = torch_path("ddpm")
    alphas = road.alpha(torch.linspace(-1, 999, 3001))
    assert alphas[0] == 1
    assert (alphas.diff() < 0).all()


def test_terminal_signal_is_what_torch_has() -> None:
    for options in PATHS.values():
        found = prediction("v", path=options)
        assert found.along is not None
        road = found.along.build()
        end = road.alpha(torch.tensor(road.noisy)).item()
        assert found.along.terminal_signal() == pytest.approx(end, abs=1e-12)


@pytest.mark.parametrize("name", ["noise", "score"])
@pytest.mark.parametrize(
    ("path", "mend"), [("linear", "path: ddpm"), ("ddpm, zero terminal", "zero_terminal: false")]
)
def test_noise_is_no_prediction_where_no_signal_is_left(name: str, path: str, mend: str) -> None:
    with pytest.raises(Misfit) as caught:
        prediction(name, path=PATHS[path]).check()
    assert caught.value.code == "zero-terminal-signal"
    assert caught.value.option == ("path",)
    assert caught.value.what == (
        f"the path `{PATHS[path]['type']}` ends in pure noise, where the {name} tells nothing of "
        "the data"
    )
    assert caught.value.mend == f"predict `v` or `sample`, or set `{mend}` to keep some signal"


def test_other_predictions_suit_their_paths() -> None:
    for path in ("ddpm", "cosine", "scaled-linear", "ddpm, 50 steps"):
        for name in ("noise", "score", "sample", "v"):
            prediction(name, path=PATHS[path]).check()
    for name in ("v", "sample", "velocity"):
        prediction(name, path="linear").check()
    with pytest.raises(Misfit, match="continuous time, and `ddpm` counts steps"):
        prediction("velocity", path="ddpm").check()


def test_the_clock_of_the_embedding() -> None:
    assert prediction("velocity").clock == 1000
    assert prediction("noise").clock == 1
    assert prediction("none").clock == 1


def test_none_is_no_denoiser() -> None:
    prediction("none").check()
    with pytest.raises(DiffusionError, match="`prediction: none` does not denoise"):
        path_of(prediction("none"))


def test_the_score_is_weighted_so_that_its_error_is_that_of_the_noise() -> None:
    moment = torch_path("ddpm").at(torch.tensor([1, 400, 999]))
    data, noise, wrong = normal(3, 4), normal(3, 4, seed=1), normal(3, 4, seed=2)
    losses = [
        error(
            PREDICTIONS[name],
            target(PREDICTIONS[name], data, noise + 0.1 * wrong, moment),
            target(PREDICTIONS[name], data, noise, moment),
            moment,
        )
        for name in ("noise", "score")
    ]
    torch.testing.assert_close(*losses)


def test_a_path_of_ones_own_needs_only_alpha_and_sigma() -> None:
    """EDM's: alpha = 1, and the time is sigma, from 80 to 0."""
    from archkit.nn.paths import Moment, Path

    class Exploding(Path):
        noisy, clean = 80.0, 0.0

        def at(self, t: Tensor) -> Moment:
            t = t.double()
            one = torch.ones_like(t)
            return Moment(one, t, 0 * one, -one)

    road = Exploding()
    for t in (80.0, 1.0, 0.002):
        moment = road.at(torch.tensor(t))
        data, noise = normal(2, 3), normal(2, 3, seed=1)
        x = noised(data, noise, moment)
        for given_ in PREDICTIONS.values():
            said = target(given_, data, noise, moment)
            for kind, truth in ((DATA, data), (NOISE, noise)):
                torch.testing.assert_close(
                    convert(said, x, given_, kind, moment), truth, rtol=1e-6, atol=1e-6
                )
