// The loss's derivatives by a layer's parameters, summed over a segment of rows: one input and one tile of targets for each
// workgroup. Each thread adds for a target of its own, and every LANES-th row, so that nobody writes where another does;
// the lanes are added up in order.
// LANES stands before this text too; LANES * 4 * WIDE threads have work.

@group(0) @binding(0) var<uniform> layer: Layer;
@group(0) @binding(1) var<storage, read> knots: array<f32>;
@group(0) @binding(2) var<storage, read> source_affine: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read> sources: array<f32>;
@group(0) @binding(4) var<storage, read> affine: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read> gradients: array<f32>;
@group(0) @binding(6) var<storage, read_write> partial_sums: array<f32>;

const TARGETS = 4u * WIDE;
// One more than the rows: neighboring targets then lie in different banks.
const PITCH = ROWS + 1u;

var<workgroup> starts: array<i32, ROWS>;
var<workgroup> values: array<f32, ROWS * (DEGREE + 2u)>;
var<workgroup> outer: array<f32, PITCH * TARGETS>;
var<workgroup> totals: array<f32, LANES * FEATURES * TARGETS>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let input = group.x;
    let first_target = group.y * TARGETS;
    let first_row = group.z * layer.segment;
    let last_row = min(first_row + layer.segment, layer.rows);
    let column = source_column(input, layer.source_sums, layer.source_subnodes);
    let source = source_affine[column];
    let own = thread % TARGETS;
    let lane = thread / TARGETS;
    for (var start = first_row; start < last_row; start += ROWS) {
        workgroupBarrier();
        let x = source.x * sources[column * layer.source_stride + layer.source_first + start + thread] + source.y;
        let basis = active_basis(input, layer.knots, x);
        starts[thread] = basis.first;
        for (var j = 0u; j <= DEGREE; j++) {
            values[j * ROWS + thread] = basis.values[j];
        }
        values[(DEGREE + 1u) * ROWS + thread] = base_value(x);
        for (var t = 0u; t < TARGETS; t++) {
            let goal = first_target + t;
            var value = 0.0;
            if goal < layer.subnodes {
                value = affine[goal].x * gradients[goal * layer.stride + start + thread];
            }
            outer[t * PITCH + thread] = value;
        }
        workgroupBarrier();
        if lane < LANES {
            for (var row = lane; row < ROWS; row += LANES) {
                let factor = outer[own * PITCH + row];
                // Rows of no weight stay out: their values may be infinite.
                if factor != 0.0 {
                    for (var j = 0; j <= i32(DEGREE); j++) {
                        let index = starts[row] + j;
                        if index >= 0 && index < i32(BASIS) {
                            totals[(lane * FEATURES + u32(index)) * TARGETS + own] += values[u32(j) * ROWS + row] * factor;
                        }
                    }
                    if BASE != 0u {
                        totals[(lane * FEATURES + FEATURES - 1u) * TARGETS + own] += values[(DEGREE + 1u) * ROWS + row] * factor;
                    }
                }
            }
        }
    }
    workgroupBarrier();
    let pitch = 4u * layer.targets;
    for (var entry = thread; entry < FEATURES * TARGETS; entry += ROWS) {
        let goal = first_target + entry % TARGETS;
        if goal < pitch {
            var total = 0.0;
            for (var part = 0u; part < LANES; part++) {
                total += totals[part * FEATURES * TARGETS + entry];
            }
            let place = (input * FEATURES + entry / TARGETS) * pitch + goal;
            partial_sums[group.z * layer.inputs * FEATURES * pitch + place] = total;
        }
    }
}
