//! Draws against recordings of NumPy.

use kanrl_core::random::{Generator, SeedSequence};
use serde_json::Value;

fn floats(case: &Value, name: &str) -> Vec<f64> {
    kanrl_reference_data::numbers(&case[name])
}

fn draw<T>(seed: u64, count: usize, draw: impl Fn(&mut Generator) -> T) -> Vec<T> {
    let mut generator = Generator::new(seed);
    (0..count).map(|_| draw(&mut generator)).collect()
}

#[test]
fn every_recorded_draw_is_equal_to_the_bit() {
    for file in kanrl_reference_data::files("", "json") {
        let recording = kanrl_reference_data::read_json(&file);
        for case in recording["seeds"].as_array().into_iter().flatten() {
            check_seed(case);
        }
    }
}

fn check_seed(case: &Value) {
    let seed: u64 = case["seed"].as_str().expect("a seed").parse().expect("a seed below 2^64");
    let hexadecimal = |name: &str| -> Vec<u64> {
        let texts = case[name].as_array().expect(name).iter().map(|text| text.as_str().expect(name));
        texts.map(|text| u64::from_str_radix(&text[2..], 16).expect(name)).collect()
    };

    let sequence = SeedSequence::new(seed);
    let mut narrow = [0; 8];
    sequence.generate_u32(&mut narrow);
    assert_eq!(narrow.map(f64::from).to_vec(), floats(case, "generate_state_u32_8"), "seed {seed}");
    let mut wide = [0; 4];
    sequence.generate_u64(&mut wide);
    assert_eq!(wide.to_vec(), hexadecimal("generate_state_u64_4"), "seed {seed}");

    assert_eq!(draw(seed, 8, Generator::next_u64), hexadecimal("raw_u64"), "seed {seed}");
    assert_eq!(draw(seed, 8, Generator::random), floats(case, "random"), "seed {seed}");
    assert_eq!(draw(seed, 8, |g| g.uniform(-0.05, 0.05)), floats(case, "uniform_m0p05_0p05"), "seed {seed}");
    assert_eq!(draw(seed, 8, |g| g.uniform(-1.0, 1.0)), floats(case, "uniform_scalar_m1_1"), "seed {seed}");
    assert_eq!(draw(seed, 16, Generator::standard_normal), floats(case, "standard_normal_16"), "seed {seed}");
    assert_eq!(draw(seed, 4, |g| g.normal(0.0, 0.1)), floats(case, "normal_0_0p1"), "seed {seed}");
    let integers = |count, low, high| draw(seed, count, |g| g.integers(low, high) as f64);
    assert_eq!(integers(12, 5, 10), floats(case, "integers_5_10_x12"), "seed {seed}");
    assert_eq!(integers(6, -9999, 9999), floats(case, "integers_m9999_9999_x6"), "seed {seed}");
    assert_eq!(integers(12, 0, 4), floats(case, "integers_0_4_x12"), "seed {seed}");
    let permutation = Generator::new(seed).permutation(10);
    assert_eq!(permutation.iter().map(|index| *index as f64).collect::<Vec<_>>(), floats(case, "choice_10_perm"));

    let mut generator = Generator::new(seed);
    let mut interleaved = vec![generator.random()];
    interleaved.push(generator.integers(0, 7) as f64);
    interleaved.push(generator.random());
    interleaved.extend((0..2).map(|_| generator.integers(0, 7) as f64));
    interleaved.extend([generator.standard_normal(), generator.random()]);
    assert_eq!(interleaved, floats(case, "interleaved"), "seed {seed}");

    // Enough draws to meet the tail and every layer; NumPy sums pairwise, so the sums agree to rounding only.
    let expected = &case["standard_normal_200000"];
    let normals = draw(seed, 200_000, Generator::standard_normal);
    assert_eq!(normals.last().copied(), expected["last"].as_f64(), "seed {seed}");
    assert_eq!(normals.iter().copied().reduce(f64::min), expected["min"].as_f64(), "seed {seed}");
    assert_eq!(normals.iter().copied().reduce(f64::max), expected["max"].as_f64(), "seed {seed}");
    let near = |value: f64, name: &str| (value - expected[name].as_f64().expect(name)).abs() < 1e-7;
    assert!(near(normals.iter().sum(), "sum") && near(normals.iter().map(|x| x * x).sum(), "sumsq"), "seed {seed}");
}

#[test]
fn spawned_sequences_are_numpys() {
    let state = |sequence: SeedSequence| {
        let mut words = [0; 2];
        sequence.generate_u64(&mut words);
        words
    };
    let seed = SeedSequence::new(0);
    assert_eq!(state(seed.child(2)), [0xe453_b002_c134_8609, 0x8b9a_a1b4_10fd_54da]);
    assert_eq!(state(seed.child(0).child(1)), [0xcec0_8954_d575_e9b1, 0x6a55_9c3f_5796_9dea]);
    let wide = SeedSequence::new((1 << 40) + 3);
    assert_eq!(state(wide.child(2)), [0x10d2_6b2b_b4ac_0d08, 0x3647_681f_0a9d_20b6]);
    assert_eq!(state(wide.child(0).child(1)), [0xe4e1_e7a0_e5ed_af1c, 0x4594_bce4_cde0_b6df]);
}

#[test]
fn integers_of_every_width_are_numpys() {
    let mut generator = Generator::new(5);
    let mut three = |low, high| [(); 3].map(|()| generator.integers(low, high));
    assert_eq!(three(0, 1 << 32), [2_881_021_352, 3_457_461_230, 97_294_837]);
    assert_eq!(three(0, 10_000_000_000_000), [5_153_255_610_421, 2_858_013_800_881, 539_307_023_816]);
    let widest = [-2_151_464_407_179_853_170, -1_688_371_355_504_270_397, -8_388_192_122_048_793_139];
    assert_eq!(three(i64::MIN, i64::MAX), widest);
}
