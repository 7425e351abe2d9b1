// Between what is trained and the parameters that the kernels read: each trained number has a place and a factor there.

struct Trained {
    count: u32,
    // 0: parameters from trained numbers, 1: their derivatives back.
    back: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0) var<uniform> trained: Trained;
@group(0) @binding(1) var<storage, read> places: array<u32>;
@group(0) @binding(2) var<storage, read> factors: array<f32>;
@group(0) @binding(3) var<storage, read> given: array<f32>;
@group(0) @binding(4) var<storage, read_write> made: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var index = thread.x; index < trained.count; index += 64u * groups.x) {
        if trained.back == 1u {
            made[index] = factors[index] * given[places[index]];
        } else {
            made[places[index]] = factors[index] * given[index];
        }
    }
}
