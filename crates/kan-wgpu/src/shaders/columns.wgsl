// The loss's derivatives by scale and bias of each column, added to what earlier chunks left.

struct Columns {
    rows: u32,
    stride: u32,
    add: u32,
    padding: u32,
}

@group(0) @binding(0) var<uniform> columns: Columns;
@group(0) @binding(1) var<storage, read> sums: array<f32>;
@group(0) @binding(2) var<storage, read> gradients: array<f32>;
@group(0) @binding(3) var<storage, read_write> totals: array<vec2<f32>>;

var<workgroup> parts: array<vec2<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    var total = vec2<f32>();
    for (var row = thread; row < columns.rows; row += 64u) {
        let outer = gradients[group.x * columns.stride + row];
        // Rows of no weight stay out: their values may be infinite.
        if outer != 0.0 { total += vec2<f32>(outer * sums[group.x * columns.stride + row], outer); }
    }
    parts[thread] = total;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half { parts[thread] += parts[thread + half]; }
    }
    if thread == 0u {
        var before = vec2<f32>();
        if columns.add == 1u { before = totals[group.x]; }
        totals[group.x] = before + parts[0];
    }
}
