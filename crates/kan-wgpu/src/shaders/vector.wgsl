// Element-wise operations of vectors. Factors are `factor + plus · scalars[a] − minus ·
// scalars[b]`, so that they may be the results of reductions that never left the device.

struct Operation {
    count: u32,
    a: u32,
    b: u32,
    keep: f32,
    factor: f32,
    plus: f32,
    minus: f32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> operation: Operation;
@group(0) @binding(1) var<storage, read> scalars: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> own: array<f32>;
BINDINGS

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) thread: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    var factor = operation.factor;
    if operation.plus != 0.0 { factor += operation.plus * scalars[operation.a].x; }
    if operation.minus != 0.0 { factor -= operation.minus * scalars[operation.b].x; }
    for (var index = thread.x; index < operation.count; index += 64u * groups.x) {
        BODY
    }
}
