"""guided-diffusion and what grew out of it: improved-diffusion, latent diffusion, sgm."""

from .guided import GuidedDiffusion as GuidedDiffusion
from .latent import LatentDiffusion as LatentDiffusion
