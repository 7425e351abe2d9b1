// The loss's derivatives by the values that a layer reads, from those by the values that it gives: one thread for each row,
// one input for each workgroup.

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<storage, read> knots: array<f32>;
@group(0) @binding(2) var<storage, read> parameters: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> source_affine: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read> sources: array<f32>;
@group(0) @binding(5) var<storage, read> affine: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read> gradients: array<f32>;
@group(0) @binding(7) var<storage, read_write> source_gradients: array<f32>;

var<workgroup> tile: array<vec4<f32>, FEATURES * WIDE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.x * ROWS + thread;
    let input = group.y;
    let column = source_column(input, layer.source_sums, layer.source_subnodes);
    let source = source_affine[column];
    let x = source.x * sources[column * layer.source_stride + layer.source_first + row] + source.y;
    let basis = active_basis(input, layer.knots, x);
    let by_base = base_slope(x);
    var total = 0.0;
    for (var first_target = 0u; first_target < layer.targets; first_target += WIDE) {
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
        for (var t = 0u; t < WIDE; t++) {
            var outer = vec4<f32>();
            for (var c = 0u; c < 4u; c++) {
                let goal = 4u * (first_target + t) + c;
                if goal < layer.subnodes {
                    outer[c] = affine[goal].x * gradients[goal * layer.stride + row];
                }
            }
            for (var j = 0; j <= i32(DEGREE); j++) {
                let index = basis.first + j;
                if index >= 0 && index < i32(BASIS) {
                    total += basis.slopes[j] * dot(tile[u32(index) * WIDE + t], outer);
                }
            }
            if BASE != 0u {
                total += by_base * dot(tile[(FEATURES - 1u) * WIDE + t], outer);
            }
        }
    }
    source_gradients[column * layer.stride + row] = total;
}
