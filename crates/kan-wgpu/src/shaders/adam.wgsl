// One step of Adam (Kingma and Ba, 2015).

struct Step {
    count: u32,
    rate: f32,
    keep_mean: f32,
    keep_square: f32,
    mean_correction: f32,
    square_correction: f32,
    smallest: f32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> step: Step;
@group(0) @binding(1) var<storage, read> gradient: array<f32>;
@group(0) @binding(2) var<storage, read_write> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> mean: array<f32>;
@group(0) @binding(4) var<storage, read_write> square: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var index = thread.x; index < step.count; index += 64u * groups.x) {
        let slope = gradient[index];
        mean[index] = step.keep_mean * mean[index] + (1.0 - step.keep_mean) * slope;
        square[index] = step.keep_square * square[index] + (1.0 - step.keep_square) * slope * slope;
        let scale = sqrt(square[index] / step.square_correction) + step.smallest;
        x[index] -= step.rate * (mean[index] / step.mean_correction) / scale;
    }
}
