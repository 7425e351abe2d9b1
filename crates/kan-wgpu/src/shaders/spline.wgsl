// Constants that stand before this text: DEGREE, BASIS (basis functions of an input), FEATURES (with the base function),
// BASE (0: none, 1: identity, 2: SiLU), WIDE (vec4s of targets in a tile).

struct Layer {
    // Rows of the chunk and of the sums' columns; where the sources' columns start and how long they are.
    rows: u32,
    stride: u32,
    source_first: u32,
    source_stride: u32,
    inputs: u32,
    // Knots of each input.
    knots: u32,
    subnodes: u32,
    // vec4s of targets of each feature, and where the layer's parameters start, in vec4s.
    targets: u32,
    first: u32,
    // The sources' layer: column `i` is node `i` up to its sums; its products come after all subnodes.
    source_sums: u32,
    source_subnodes: u32,
    // Rows of a segment.
    segment: u32,
}

const ROWS = 64u;

fn source_column(input: u32, sums: u32, subnodes: u32) -> u32 {
    return select(subnodes + input - sums, input, input < sums);
}

// The active basis functions at a point: basis `first + j` belongs to entry `j`; those outside the basis do not exist.
struct Active {
    first: i32,
    values: array<f32, DEGREE + 1>,
    slopes: array<f32, DEGREE + 1>,
}

fn knot(input: u32, count: u32, index: i32) -> f32 {
    return knots[input * count + u32(clamp(index, 0, i32(count) - 1))];
}

fn active_basis(input: u32, count: u32, x: f32) -> Active {
    var result: Active;
    // The first knot above x.
    var low = 0u;
    var high = count;
    while low < high {
        let middle = (low + high) / 2u;
        if knots[input * count + middle] <= x { low = middle + 1u; } else { high = middle; }
    }
    if low == 0u || low >= count {
        // Outside: no entry is part of the basis.
        result.first = -i32(DEGREE) - 1;
        return result;
    }
    let interval = i32(low) - 1;
    result.first = interval - i32(DEGREE);
    result.values[0] = 1.0;
    for (var order = 1; order <= i32(DEGREE); order++) {
        for (var j = order; j >= 0; j--) {
            let index = interval - order + j;
            var from_left = 0.0;
            var from_right = 0.0;
            let bottom = knot(input, count, index);
            let top = knot(input, count, index + order + 1);
            if j > 0 {
                let width = knot(input, count, index + order) - bottom;
                if width > 0.0 { from_left = result.values[j - 1] / width; }
            }
            if j < order {
                let width = top - knot(input, count, index + 1);
                if width > 0.0 { from_right = result.values[j] / width; }
            }
            result.values[j] = (x - bottom) * from_left + (top - x) * from_right;
            if order == i32(DEGREE) { result.slopes[j] = f32(order) * (from_left - from_right); }
        }
    }
    return result;
}

fn sigmoid(x: f32) -> f32 {
    let e = exp(-abs(x));
    let smaller = e / (1.0 + e);
    return select(smaller, 1.0 - smaller, x > 0.0);
}

fn base_value(x: f32) -> f32 {
    if BASE == 2u { return x * sigmoid(x); }
    return x;
}

fn base_slope(x: f32) -> f32 {
    if BASE == 2u {
        let s = sigmoid(x);
        return s * (1.0 + x * (1.0 - s));
    }
    return 1.0;
}
