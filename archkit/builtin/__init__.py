"""What ships with archkit; it comes in by the same hook as every plugin."""

from pathlib import Path

from archkit import hookimpl, zoo

_WHERE = {
    "blocks": "block.resnet:ResNet",
    "convolutions": "block.conv:Convolutions",
    "residual": "block.residual:Residual",
    "modulated": "block.modulated:Modulated",
    "transformers": "block.transformer:TransformerBlock",
    "attention": "attention.self:SelfAttention attention.transformer:Transformer",
    "linear_attention": "attention.linear:LinearAttention",
    "pooling": "pooling.max:MaxPooling pooling.avg:AveragePooling pooling.conv:ConvolutionPooling "
    "pooling.blur:BlurPooling pooling.block:BlockPooling "
    "pooling.none:NoPooling",
    "upsampling": "upsampling.nearest:NearestUpsampling upsampling.bilinear:BilinearUpsampling "
    "upsampling.blur:BlurUpsampling upsampling.block:BlockUpsampling upsampling.none:NoUpsampling",
    "shuffling": "pooling.unshuffle:UnshufflePooling upsampling.shuffle:ShuffleUpsampling",
    "strided": "pooling.first:FirstPooling upsampling.transposed:TransposedUpsampling "
    "upsampling.upconv:UpConvolution",
    "skips": "skip.concat:Concat skip.add:Add skip.none:NoSkip skip.gated:Gated",
    "norms": "norm.group:GroupNorm norm.layer:LayerNorm norm.rms:RMSNorm "
    "norm.instance:InstanceNorm norm.batch:BatchNorm norm.none:NoNorm",
    "activations": "activation.silu:SiLU activation.relu:ReLU activation.gelu:GELU "
    "activation.leaky-relu:LeakyReLU activation.prelu:PReLU activation.mish:Mish "
    "activation.none:NoActivation",
    "ends": "stem.conv:ConvolutionStem stem.none:NoStem head.conv:ConvolutionHead head.none:NoHead",
    "times": "time.sinusoidal:Sinusoidal time.fourier:Fourier time.learned:Learned "
    "time.none:NoTime embedding.sum:Sum",
    "conditions": "condition.label:Label condition.vector:Vector condition.sequence:Sequence "
    "condition.padding:Padding condition.image:Image",
    "controls": "condition.residuals:Residuals condition.hint:Hint",
    "mapping": "embedding.mapping:Mapping condition.fourier:Fourier",
    "predictions": "prediction.velocity:Velocity prediction.noise:Noise prediction.score:Score "
    "prediction.sample:Sample prediction.v:V prediction.none:NoPrediction",
    "paths": "path.linear:Linear path.cosine:Cosine path.ddpm:DDPM "
    "path.scaled-linear:ScaledLinear path.edm:EDM",
    "preconditions": "precondition.edm:EDM precondition.over-sigma:OverSigma",
    "layouts": "layout.ddpm:DDPM layout.edm:EDM layout.classic:Classic "
    "layout.k-diffusion:KDiffusion layout.hourglass:Hourglass layout.flat:Flat "
    "layout.lucidrains:Lucidrains layout.monai:Monai layout.narrowing:Narrowing "
    "layout.diffuser:Diffuser layout.dance-diffusion:DanceDiffusion "
    "layout.controlnet:ControlNet layout.kandinsky3:Kandinsky3",
    "filters": "pooling.filter:FilterPooling upsampling.filter:FilterUpsampling",
    "concatenation": "embedding.concat:Concatenation",
    "planes": "time.planes:Planes",
    "block_head": "head.block:BlockHead",
    "adaptive": "block.adaptive:AdaptiveBlock attention.adaptive:AdaptiveAttention",
    "joint": "attention.joint:JointAttention",
    "projected": "condition.projected:Projected condition.pooled:Pooled "
    "condition.attention-pooled:AttentionPooled",
    "expanded": "condition.expanded:Expanded",
    "number": "condition.number:NumberCondition",
    "mapped_image": "condition.mapped-image:MappedImage",
    "normed": "pooling.normed:NormedPooling upsampling.normed:NormedUpsampling",
    "stable_cascade": "block.stable-cascade:StableCascade",
    "kandinsky3": "block.kandinsky3:Kandinsky3Block attention.kandinsky3:Kandinsky3Attention",
    "imagen": "block.imagen:ImagenBlock attention.imagen:ImagenAttention",
    "parallel": "stem.cross-embed:CrossEmbedding pooling.parallel:ParallelPooling",
    "resampled": "condition.resampled:Resampled condition.averaged:Averaged "
    "condition.gathered:Gathered",
    "noise_level": "condition.noise-level:NoiseLevel",
    "imagen_layouts": "layout.imagen:Imagen layout.efficient:Efficient",
    "patches": "stem.patch:PatchStem head.patch:PatchHead",
    "tokens": "stem.tokens:TokenStem head.tokens:TokenHead",
    "lerp": "skip.lerp:Lerp",
    "blurred": "pooling.conv-blur:ConvolutionBlurPooling",
    "one_hot": "condition.one-hot:OneHot",
    "magnitude": "block.magnitude-preserving:MagnitudeBlock "
    "attention.magnitude-preserving:MagnitudeAttention",
    "magnitude_ends": "stem.magnitude-preserving:MagnitudeStem "
    "head.magnitude-preserving:MagnitudeHead skip.magnitude-preserving:MagnitudeSkip "
    "time.magnitude-preserving:MagnitudeTime embedding.magnitude-preserving:MagnitudeSum",
    "preactivation": "block.pre-activation:PreActivation",
    "temporal": "attention.temporal:TemporalAttention",
    "spatiotemporal": "attention.spatio-temporal:SpatioTemporalTransformer",
    "video": "block.video:VideoBlock attention.video:VideoAttention stem.video:VideoStem",
    "importers.diffusers": "importer.diffusers:Diffusers",
    "importers.edm": "importer.edm:EDM importer.edm2:EDM2",
    "importers.guided_diffusion": "importer.guided-diffusion:GuidedDiffusion "
    "importer.latent-diffusion:LatentDiffusion importer.controlnet:ControlNet",
    "importers.monai": "importer.monai:Monai",
    "importers.monai_unets": "importer.monai-unet:MonaiUNet "
    "importer.monai-basic-unet:MonaiBasicUNet importer.monai-attention-unet:MonaiAttentionUnet",
    "importers.nnunet": "importer.nnunet:NnUNet",
    "importers.azula": "importer.azula:Azula",
    "importers.k_diffusion": "importer.k-diffusion:KDiffusion",
    "importers.uvit": "importer.uvit:UViT",
    "importers.hdit": "importer.hdit:HDiT",
    "importers.diffusion_policy": "importer.diffusion-policy:DiffusionPolicy",
    "importers.imagen": "importer.imagen:Imagen",
    "importers.lucidrains": "importer.lucidrains:Lucidrains",
}


@hookimpl
def archkit_components() -> dict[str, str]:
    return {
        entry.partition(":")[0]: f"archkit.builtin.{module}:{entry.partition(':')[2]}"
        for module, entries in _WHERE.items()
        for entry in entries.split()
    }


@hookimpl
def archkit_specs() -> list[Path]:
    return [zoo.folder()]


@hookimpl
def archkit_writers() -> dict[str, str]:
    return {"csv": "archkit.builtin.writers:table"}


@hookimpl
def archkit_commands() -> dict[str, str]:
    return {"train": "archkit.cli.run:train", "sample": "archkit.cli.run:sample"}
