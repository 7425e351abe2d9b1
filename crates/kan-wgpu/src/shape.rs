//! What the kernels are compiled for, and what they need.

use crate::error::GpuError;
use crate::gpu::Gpu;
use kanrl_core::graph::BaseFunction;
use kanrl_core::kan::Layer;
use wgpu::ComputePipeline;

/// The kernels of a layer.
pub(crate) struct Kernels {
    pub forward: ComputePipeline,
    pub parameters: ComputePipeline,
    pub sources: ComputePipeline,
    /// vec4s of targets in a tile of `forward` and `sources`, and of `parameters`.
    pub wide: usize,
    pub parameter_wide: usize,
}

/// Features of each input: basis functions, then the base function if there is one.
pub(crate) fn features(layer: &Layer) -> usize {
    layer.basis() + usize::from(layer.base != BaseFunction::Zero)
}

/// vec4s that the subnodes fill.
pub(crate) fn targets(layer: &Layer) -> usize {
    layer.subnodes().div_ceil(4)
}

impl Kernels {
    /// Compiles them, with the largest tiles that the device's workgroup memory and the layer have a use for.
    pub fn new(gpu: &Gpu, layer: &Layer) -> Result<Self, GpuError> {
        let (features, targets) = (features(layer), targets(layer));
        let memory = u64::from(gpu.limits().max_compute_workgroup_storage_size);
        let refused = |needed: u64| GpuError::Limit {
            what: "the tiles of a layer's coefficients",
            needed,
            limit: memory,
            unit: "bytes of workgroup memory",
        };
        let tile = |wide: usize| 16 * (features * wide) as u64;
        let widths = [8, 4, 2, 1].into_iter().filter(|wide| *wide == 1 || wide / 2 < targets);
        let wide = widths.clone().find(|wide| tile(*wide) <= memory).ok_or_else(|| refused(tile(1)))?;
        let rest = |wide: usize| 4 * (64 * (layer.degree + 3) + 65 * 4 * wide) as u64;
        let room = |(wide, lanes): (usize, usize)| rest(wide) + tile(wide) * lanes as u64;
        // As many lanes as there are threads for, if they fit.
        let choices = widths.filter(|wide| *wide <= 4).map(|wide| (wide, 16 / wide));
        let choices =
            choices.flat_map(|(wide, lanes)| [lanes, lanes / 2, lanes / 4, 1].map(|lanes| (wide, lanes.max(1))));
        let (parameter_wide, lanes) =
            choices.clone().find(|choice| room(*choice) <= memory).ok_or_else(|| refused(room((1, 1))))?;
        let base = match layer.base {
            BaseFunction::Zero => 0,
            BaseFunction::Identity => 1,
            BaseFunction::Silu => 2,
        };
        let text = |wide: usize, more: &str, kernel: &str| {
            let (degree, basis) = (layer.degree, layer.basis());
            format!(
                "const DEGREE = {degree}u;\nconst BASIS = {basis}u;\nconst FEATURES = {features}u;\n\
                 const BASE = {base}u;\nconst WIDE = {wide}u;\n{more}{}{kernel}",
                include_str!("shaders/spline.wgsl")
            )
        };
        let lanes = format!("const LANES = {lanes}u;\n");
        Ok(Self {
            forward: gpu.pipeline("forward", text(wide, "", include_str!("shaders/forward.wgsl")))?,
            parameters: gpu.pipeline(
                "parameter gradient",
                text(parameter_wide, &lanes, include_str!("shaders/parameter_gradient.wgsl")),
            )?,
            sources: gpu.pipeline("source gradient", text(wide, "", include_str!("shaders/source_gradient.wgsl")))?,
            wide,
            parameter_wide,
        })
    }
}
