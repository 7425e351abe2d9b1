//! Exact least-squares places for a kink (`|t − place|`) and a jump (`sign(t − place)`), by running sums over sorted
//! samples.

use super::curve::Samples;

/// Sums over the samples before a place.
#[derive(Clone, Copy, Default)]
struct Sums {
    weight: f64,
    t: f64,
    tt: f64,
    y: f64,
    ty: f64,
}

impl Sums {
    fn add(&mut self, t: f64, y: f64, weight: f64) {
        self.weight += weight;
        self.t += weight * t;
        self.tt += weight * t * t;
        self.y += weight * y;
        self.ty += weight * t * y;
    }
}

/// Sums before every sample, and over all of them at the end.
fn running(samples: &Samples) -> Vec<Sums> {
    let mut sums = vec![Sums::default()];
    let mut sum = Sums::default();
    for ((t, y), weight) in samples.t.iter().zip(&samples.y).zip(&samples.weight) {
        sum.add(*t, *y, *weight);
        sums.push(sum);
    }
    sums
}

/// The place of the best kink, inside the range.
pub(super) fn kink(samples: &Samples) -> f64 {
    let sums = running(samples);
    let all = sums[samples.rows()];
    // Σ|t − place|·(…) from the sums on both sides; y has mean 0.
    let score = |place: f64, before: &Sums| {
        let value = (all.t - 2.0 * before.t) - place * (all.weight - 2.0 * before.weight);
        let square = all.tt - 2.0 * place * all.t + place * place * all.weight - value * value / all.weight;
        let product = (all.ty - 2.0 * before.ty) - place * (all.y - 2.0 * before.y) - value * all.y / all.weight;
        if square > 0.0 { product * product / square } else { 0.0 }
    };
    let mut best = (0.0, f64::NEG_INFINITY);
    for (index, pair) in samples.t.windows(2).enumerate() {
        // Between two samples the score is smooth with few extrema: a few golden sections find its maximum.
        let (mut low, mut high) = (pair[0], pair[1]);
        let before = &sums[index + 1];
        if score(low, before).max(score(high, before)).max(score(0.5 * (low + high), before)) < best.1 * 0.999 {
            continue;
        }
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        for _ in 0..60 {
            if high - low <= 1e-16 * high.abs() {
                break;
            }
            let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
            if score(left, before) >= score(right, before) { high = right } else { low = left }
        }
        for place in [pair[0], 0.5 * (low + high), pair[1]] {
            let found = score(place, before);
            if found > best.1 {
                best = (place, found);
            }
        }
    }
    best.0
}

/// The x of the best jump: half-way between two samples, or on one, where the sign is 0.
pub(super) fn jump(samples: &Samples, x: &[f64]) -> f64 {
    let sums = running(samples);
    let rows = x.len();
    let all = sums[rows];
    let score = |before: &Sums, upto: &Sums| {
        let after = all.weight - upto.weight;
        let value = after - before.weight;
        let square = after + before.weight - value * value / all.weight;
        let product = (all.y - upto.y) - before.y - value * all.y / all.weight;
        if square > 0.0 { product * product / square } else { 0.0 }
    };
    let mut best = (x[0], f64::NEG_INFINITY);
    let mut start = 0;
    while start < rows {
        let end = start + x[start..].iter().take_while(|other| **other == x[start]).count();
        let on = (x[start], score(&sums[start], &sums[end]));
        let after = x.get(end).map(|next| (0.5 * (x[start] + next), score(&sums[end], &sums[end])));
        for (place, found) in std::iter::once(on).chain(after) {
            if found > best.1 {
                best = (place, found);
            }
        }
        start = end;
    }
    best.0
}
