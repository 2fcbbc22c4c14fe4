"""guided-diffusion and what grew out of it: improved-diffusion, latent diffusion, sgm, cldm."""

from .controlnet import ControlNet as ControlNet
from .guided import GuidedDiffusion as GuidedDiffusion
from .latent import LatentDiffusion as LatentDiffusion
