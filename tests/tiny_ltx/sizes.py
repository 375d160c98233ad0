"""Widths, and the configuration that LTX-2.3 files carry as metadata: the published one but for the widths."""

from __future__ import annotations

V_HEADS, V_HEAD = 2, 32  # video stream: 64 wide   (real: 32 x 128)
A_HEADS, A_HEAD = 2, 16  # audio stream: 32 wide   (real: 32 x 64)
V, A = V_HEADS * V_HEAD, A_HEADS * A_HEAD
DIT_LAYERS = 2  # real: 48
CONNECTOR_LAYERS = 3  # real: 8  (ComfyUI looks at block 2, keep >= 3)
REGISTERS = 128  # not configurable in ComfyUI
LATENT = 128  # not configurable in ComfyUI
TE_HIDDEN, TE_HEADS, TE_KV, TE_HEAD, TE_FF = 32, 2, 1, 16, 64
TE_LAYERS = 48  # ComfyUI recognises the encoder by layer 47
STOP = 2.0  # how soon generated text ends
VIS_HIDDEN, VIS_FF, VIS_LAYERS, VIS_IMAGE, VIS_PATCH = 16, 32, 1, 224, 14
VAE_BASE = 8  # real: 128 (8 = R G B 1 and their negatives, see video_vae)
AUDIO_CH = 8  # real: 128
VOC_CH, BWE_CH = 64, 32  # real: 1536, 512
UPS_MID, UPS_BLOCKS = 32, 1  # real: 1024, 4 (32 = one channel per norm group)

TRANSFORMER = {
    "_class_name": "AVTransformer3DModel",
    "activation_fn": "gelu-approximate",
    "attention_bias": True,
    "in_channels": LATENT,
    "out_channels": LATENT,
    "audio_out_channels": 128,
    "num_layers": DIT_LAYERS,
    "num_attention_heads": V_HEADS,
    "attention_head_dim": V_HEAD,
    "audio_num_attention_heads": A_HEADS,
    "audio_attention_head_dim": A_HEAD,
    "cross_attention_dim": V,
    "audio_cross_attention_dim": A,
    "caption_channels": TE_HIDDEN,
    "positional_embedding_type": "rope",
    "rope_type": "split",
    "positional_embedding_theta": 10000.0,
    "positional_embedding_max_pos": [20, 2048, 2048],
    "audio_positional_embedding_max_pos": [20],
    "frequencies_precision": "float64",
    "use_middle_indices_grid": True,
    "causal_temporal_positioning": True,
    "timestep_scale_multiplier": 1000,
    "av_ca_timestep_scale_multiplier": 1000.0,
    "use_audio_video_cross_attention": True,
    "av_cross_ada_norm": True,
    "apply_gated_attention": True,
    "cross_attention_adaln": True,
    "caption_proj_before_connector": True,
    "caption_proj_input_norm": False,
    "caption_projection_first_linear": False,
    "caption_projection_second_linear": False,
    "text_encoder_norm_type": "per_token_rms",
    "use_embeddings_connector": True,
    "connector_norm_output": True,
    "connector_num_layers": CONNECTOR_LAYERS,
    "connector_num_attention_heads": V_HEADS,
    "connector_attention_head_dim": V_HEAD,
    "audio_connector_num_attention_heads": A_HEADS,
    "audio_connector_attention_head_dim": A_HEAD,
    "connector_num_learnable_registers": REGISTERS,
    "connector_positional_embedding_max_pos": [4096],
    "connector_apply_gated_attention": True,
}

VIDEO_VAE = {
    "_class_name": "CausalVideoAutoencoder",
    "dims": 3,
    "in_channels": 3,
    "out_channels": 3,
    "latent_channels": LATENT,
    "patch_size": 4,
    "encoder_base_channels": VAE_BASE,
    "decoder_base_channels": VAE_BASE,
    # real ladder with one residual block per stage instead of 4, 6, 4, 2, 2
    "encoder_blocks": [
        ["res_x", {"num_layers": 1}],
        ["compress_space_res", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
        ["compress_time_res", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
        ["compress_all_res", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
        ["compress_all_res", {"multiplier": 1}],
        ["res_x", {"num_layers": 1}],
    ],
    "decoder_blocks": [
        ["res_x", {"num_layers": 1}],
        ["compress_space", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
        ["compress_time", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
        ["compress_all", {"multiplier": 1}],
        ["res_x", {"num_layers": 1}],
        ["compress_all", {"multiplier": 2}],
        ["res_x", {"num_layers": 1}],
    ],
    "norm_layer": "pixel_norm",
    "latent_log_var": "uniform",
    "scaling_factor": 1.0,
    "use_quant_conv": False,
    "causal_decoder": False,
    "timestep_conditioning": False,
    "spatial_padding_mode": "zeros",
}

AUDIO_VAE = {
    "model": {
        "params": {
            "sampling_rate": 16000,
            "ddconfig": {
                "double_z": True,
                "mel_bins": 64,
                "z_channels": 8,
                "resolution": 256,
                "downsample_time": False,
                "in_channels": 2,
                "out_ch": 2,
                "ch": AUDIO_CH,
                "ch_mult": [1, 2, 4],
                "num_res_blocks": 2,
                "attn_resolutions": [],
                "dropout": 0.0,
                "mid_block_add_attention": False,
                "norm_type": "pixel",
                "causality_axis": "height",
            },
        }
    },
    "preprocessing": {
        "stft": {"filter_length": 1024, "hop_length": 160, "win_length": 1024, "causal": True},
        "mel": {"n_mel_channels": 64, "mel_fmin": 0, "mel_fmax": 8000},
    },
}

_AMP = {
    "resblock": "AMP1",
    "activation": "snakebeta",
    "stereo": True,
    "resblock_kernel_sizes": [3],  # real: [3, 7, 11]
    "resblock_dilation_sizes": [[1, 3, 5]],
    "use_tanh_at_final": False,
    "use_bias_at_final": False,
}
VOCODER = {
    "vocoder": {
        **_AMP,
        "upsample_initial_channel": VOC_CH,
        "upsample_rates": [5, 2, 2, 2, 2, 2],
        "upsample_kernel_sizes": [11, 4, 4, 4, 4, 4],
    },
    "bwe": {
        **_AMP,
        "upsample_initial_channel": BWE_CH,
        "upsample_rates": [6, 5, 2, 2, 2],
        "upsample_kernel_sizes": [12, 11, 4, 4, 4],
        "apply_final_activation": False,
        "input_sampling_rate": 16000,
        "output_sampling_rate": 48000,
        "hop_length": 80,
        "n_fft": 512,
        "win_size": 512,
        "num_mels": 64,
    },
}

UPSCALER = {
    "_class_name": "LatentUpsampler",
    "in_channels": LATENT,
    "mid_channels": UPS_MID,
    "num_blocks_per_stage": UPS_BLOCKS,
    "dims": 3,
    "spatial_upsample": True,
    "temporal_upsample": False,
    "spatial_scale": 2.0,
    "rational_resampler": False,
}

CHECKPOINT = {"transformer": TRANSFORMER, "vae": VIDEO_VAE, "audio_vae": AUDIO_VAE, "vocoder": VOCODER}


# safetensors, by hand (8-byte length, JSON header, raw little-endian data)
