// Reductions of vectors to one number, in two rounds: each workgroup leaves a number, then one workgroup reduces these.
// Sums are kept in two floats (Knuth's two-sum), so that they are exact to about 48 bits; nothing is added by atomics, and
// the order depends on the length only.

struct Reduction {
    count: u32,
    // 0: Σ a·b, 1: Σ |a|, 2: max |a|, 3: how many a are not finite, 4: Σ a, 5: how many a are not b + factor · c.
    kind: u32,
    // Where the result goes, and what is done to it: 0: times factor, 1: 1 / (factor · it).
    place: u32,
    finish: u32,
    factor: f32,
    // Always 0, which no compiler knows: see `opaque`.
    zero: u32,
    padding_1: u32,
    padding_2: u32,
}

@group(0) @binding(0) var<uniform> reduction: Reduction;
BINDINGS

var<workgroup> parts: array<vec2<f32>, 64>;

// Keeps compilers from simplifying (a + b) − a.
fn opaque(value: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(value) ^ reduction.zero);
}

fn add(total: vec2<f32>, value: vec2<f32>) -> vec2<f32> {
    if reduction.kind == 2u { return vec2<f32>(max(total.x, value.x), 0.0); }
    let sum = opaque(total.x + value.x);
    let second = opaque(sum - total.x);
    let rest = opaque(total.x - opaque(sum - second)) + opaque(value.x - second);
    return vec2<f32>(sum, total.y + value.y + rest);
}

BODY

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(num_workgroups) groups: vec3<u32>,
) {
    var total = vec2<f32>();
    for (var index = group.x * 64u + thread; index < reduction.count; index += 64u * groups.x) {
        total = add(total, entry(index));
    }
    parts[thread] = total;
    for (var half = 32u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if thread < half { parts[thread] = add(parts[thread], parts[thread + half]); }
    }
    if thread == 0u { finish(group.x, parts[0]); }
}
