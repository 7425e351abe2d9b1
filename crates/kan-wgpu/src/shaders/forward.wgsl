// Sums of all curves into each subnode: one thread for each row, one tile of targets for each workgroup. The tile of one
// input's coefficients is shared by all rows.

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<storage, read> knots: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> source_affine: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> sources: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;

var<workgroup> tile: array<vec4<f32>, FEATURES * WIDE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.x * ROWS + thread;
    let first_target = group.y * WIDE;
    var totals: array<vec4<f32>, WIDE>;
    for (var input = 0u; input < layer.inputs; input++) {
        workgroupBarrier();
        for (var entry = thread; entry < FEATURES * WIDE; entry += ROWS) {
            let goal = first_target + entry % WIDE;
            var value = vec4<f32>();
            if goal < layer.targets {
                value = parameters[layer.first + (input * FEATURES + entry / WIDE) * layer.targets + goal];
            }
            tile[entry] = value;
        }
        workgroupBarrier();
        let column = source_column(input, layer.source_sums, layer.source_subnodes);
        let affine = source_affine[column];
        let x = affine.x * sources[column * layer.source_stride + layer.source_first + row] + affine.y;
        let basis = active_basis(input, layer.knots, x);
        for (var j = 0; j <= i32(DEGREE); j++) {
            let index = basis.first + j;
            if index >= 0 && index < i32(BASIS) {
                let value = basis.values[j];
                for (var t = 0u; t < WIDE; t++) {
                    totals[t] += value * tile[u32(index) * WIDE + t];
                }
            }
        }
        if BASE != 0u {
            let value = base_value(x);
            for (var t = 0u; t < WIDE; t++) {
                totals[t] += value * tile[(FEATURES - 1u) * WIDE + t];
            }
        }
    }
    for (var t = 0u; t < WIDE; t++) {
        for (var c = 0u; c < 4u; c++) {
            let goal = 4u * (first_target + t) + c;
            if goal < layer.subnodes {
                sums[goal * layer.stride + row] = totals[t][c];
            }
        }
    }
}
