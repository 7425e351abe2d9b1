// The loss of each row and its derivatives by the outputs; the workgroup's rows are added up.

struct Loss {
    stride: u32,
    // Where the chunk starts in the batch's columns, and how long these are.
    first: u32,
    batch_stride: u32,
    outputs: u32,
    sums: u32,
    subnodes: u32,
    // 0: mean squared, 1: clipped mean squared, 2: cross-entropy, 3: none, the outputs themselves, 4: choice.
    kind: u32,
    // The workgroups' sums start here.
    first_sum: u32,
    // What a weight is multiplied by in a derivative.
    factor: f32,
    padding_1: u32,
    padding_2: u32,
    padding_3: u32,
}

@group(0) @binding(0) var<uniform> loss: Loss;
@group(0) @binding(1) var<storage, read> affine: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> sums: array<f32>;
@group(0) @binding(3) var<storage, read> wanted: array<f32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read> bounds: array<vec2<f32>>;
@group(0) @binding(6) var<storage, read_write> gradients: array<f32>;
@group(0) @binding(7) var<storage, read_write> losses: array<f32>;

var<workgroup> parts: array<f32, 64>;

fn column(output: u32) -> u32 {
    return select(loss.subnodes + output - loss.sums, output, output < loss.sums);
}

fn output_at(output: u32, row: u32) -> f32 {
    let own = column(output);
    return affine[own].x * sums[own * loss.stride + row] + affine[own].y;
}

fn wanted_at(output: u32, row: u32) -> f32 {
    return wanted[output * loss.batch_stride + loss.first + row];
}

fn difference(output: u32, row: u32) -> f32 {
    let value = output_at(output, row);
    let goal = wanted_at(output, row);
    if loss.kind == 1u {
        let low = bounds[output].x;
        let high = bounds[output].y;
        if (value >= high && goal >= high) || (value <= low && goal <= low) { return 0.0; }
        return value - clamp(goal, low, high);
    }
    return value - goal;
}

fn squared(row: u32, weight: f32) -> f32 {
    var total = 0.0;
    for (var output = 0u; output < loss.outputs; output++) {
        let own = difference(output, row);
        total += weight * own * own;
        gradients[column(output) * loss.stride + row] = loss.factor * weight * own;
    }
    return total;
}

fn cross_entropy(row: u32, weight: f32) -> f32 {
    var highest = output_at(0u, row);
    var highest_wanted = wanted_at(0u, row);
    for (var output = 1u; output < loss.outputs; output++) {
        highest = max(highest, output_at(output, row));
        highest_wanted = max(highest_wanted, wanted_at(output, row));
    }
    var total = 0.0;
    var total_wanted = 0.0;
    for (var output = 0u; output < loss.outputs; output++) {
        total += exp(output_at(output, row) - highest);
        total_wanted += exp(wanted_at(output, row) - highest_wanted);
    }
    var result = 0.0;
    for (var output = 0u; output < loss.outputs; output++) {
        let share = exp(wanted_at(output, row) - highest_wanted) / total_wanted;
        let log_probability = output_at(output, row) - highest - log(total);
        result -= weight * share * log_probability;
        gradients[column(output) * loss.stride + row] = loss.factor * weight * (exp(log_probability) - share);
    }
    return result;
}

// As the cross-entropy, with an action before the others whose score is 0 on both sides, less the entropy of what is wanted.
fn choice(row: u32, weight: f32) -> f32 {
    let sharpness = bounds[0].x;
    var highest = 0.0;
    var highest_wanted = 0.0;
    for (var output = 0u; output < loss.outputs; output++) {
        highest = max(highest, output_at(output, row));
        highest_wanted = max(highest_wanted, sharpness * wanted_at(output, row));
    }
    var total = exp(-highest);
    var total_wanted = exp(-highest_wanted);
    for (var output = 0u; output < loss.outputs; output++) {
        total += exp(output_at(output, row) - highest);
        total_wanted += exp(sharpness * wanted_at(output, row) - highest_wanted);
    }
    let shift = highest + log(total);
    let shift_wanted = highest_wanted + log(total_wanted);
    var result = weight * exp(-shift_wanted) * (shift - shift_wanted);
    for (var output = 0u; output < loss.outputs; output++) {
        let log_share = sharpness * wanted_at(output, row) - shift_wanted;
        let log_probability = output_at(output, row) - shift;
        let share = exp(log_share);
        // A share may be too small for f32, its logarithm is not.
        result += weight * share * (log_share - log_probability);
        gradients[column(output) * loss.stride + row] = loss.factor * weight * (exp(log_probability) - share);
    }
    return result;
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(global_invocation_id) thread: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let row = thread.x;
    let weight = weights[loss.first + row];
    var part = 0.0;
    if weight > 0.0 {
        if loss.kind == 2u {
            part = cross_entropy(row, weight);
        } else if loss.kind == 4u {
            part = choice(row, weight);
        } else {
            part = squared(row, weight);
        }
    } else {
        for (var output = 0u; output < loss.outputs; output++) {
            gradients[column(output) * loss.stride + row] = 0.0;
        }
    }
    parts[local] = part;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if local < half { parts[local] += parts[local + half]; }
    }
    if local == 0u { losses[loss.first_sum + group.x] = parts[0]; }
}
