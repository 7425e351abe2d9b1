// Adds up the segments' sums, in order, into the gradient.

struct Segments {
    count: u32,
    length: u32,
    first: u32,
    // 1: add to what earlier chunks left, 0: overwrite it.
    add: u32,
}

@group(0) @binding(0) var<uniform> segments: Segments;
@group(0) @binding(1) var<storage, read> partial_sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> gradient: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    for (var index = thread.x; index < segments.length; index += 64u * groups.x) {
        var total = 0.0;
        if segments.add == 1u {
            total = gradient[segments.first + index];
        }
        for (var segment = 0u; segment < segments.count; segment++) {
            total += partial_sums[segment * segments.length + index];
        }
        gradient[segments.first + index] = total;
    }
}
