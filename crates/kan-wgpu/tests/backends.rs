//! One suite for all backends: the portable CPU, the CPU with AVX2 and the device, each in f32, against the CPU in f64.

mod common;

use common::{Data, Shape, device, distance, value_and_gradient};
use kanrl_core::approximator::Loss;
use kanrl_core::graph::BaseFunction;
use kanrl_core::kan::{Cpu, Engine};
use kanrl_wgpu::{DeviceVector, GpuEngine};
use proptest::prelude::*;

/// What f32 may be off: of a loss, relative; of a gradient, relative to its largest entry.
const LOSS_TOLERANCE: f64 = 1e-4;
const GRADIENT_TOLERANCE: f64 = 5e-4;

fn losses(height: usize) -> [Loss; 4] {
    let clipped = Loss::ClippedMeanSquared { low: vec![-0.4; height], high: vec![0.5; height] };
    [Loss::MeanSquared, clipped, Loss::CrossEntropy, Loss::Choice { sharpness: 2.5 }]
}

/// Whether this process is the one that [`the_portable_cpu_agrees_too`] started: the device is not asked again.
fn is_portable() -> bool {
    std::env::var_os("KANRL_PORTABLE").is_some()
}

/// Loss and gradient on all backends.
fn check(shape: &Shape) {
    let data = shape.data(shape.rows);
    for loss in losses(data.height) {
        let on_cpu = |data: &Data| {
            let (wide, narrow) = (Cpu::<f64>::default(), Cpu::<f32>::default());
            let (samples, transforms) = (data.samples(), data.transforms());
            let batch = wide.batch(&transforms, data.height, samples).expect("room");
            let wanted = value_and_gradient(&wide, &mut shape.network(), &batch, &loss, <[f64]>::to_vec);
            let batch = narrow.batch(&transforms, data.height, samples).expect("room");
            (wanted, value_and_gradient(&narrow, &mut shape.network(), &batch, &loss, <[f64]>::to_vec))
        };
        let (wanted, narrow) = on_cpu(&data);
        let agree = |name: &str, found: &(f64, Vec<f64>)| {
            let off = (found.0 - wanted.0).abs() / wanted.0.abs().max(1e-3);
            assert!(off < LOSS_TOLERANCE, "{name}, {loss:?}, {shape:?}: loss {}, wanted {}", found.0, wanted.0);
            let off = distance(&found.1, &wanted.1);
            assert!(off < GRADIENT_TOLERANCE, "{name}, {loss:?}, {shape:?}: the gradient is off by {off:.1e}");
        };
        agree("CPU", &narrow);
        if is_portable() {
            continue;
        }
        let Some(gpu) = device() else { continue };
        let engine = GpuEngine(gpu);
        let batch = engine.batch(&data.transforms(), data.height, data.samples()).expect("room");
        let host = |vector: &DeviceVector| vector.to_vec().expect("a working device");
        let found = value_and_gradient(&engine, &mut shape.network(), &batch, &loss, host);
        agree("device", &found);
        let again = value_and_gradient(&engine, &mut shape.network(), &batch, &loss, host);
        assert!(found == again, "the device gives other bits the second time");
    }
}

#[test]
fn sizes_around_those_of_the_tiles_agree() {
    for rows in [1, 64, 65, 600] {
        check(&Shape::new(&[3, 5, 2], rows));
    }
    for width in [1, 16, 17, 33] {
        check(&Shape { products: 2, masked: 0.3, ..Shape::new(&[2, width, 3], 130) });
    }
}

#[test]
fn fine_grids_and_all_degrees_agree() {
    for degree in [1, 2, 5, 7] {
        check(&Shape { degree, ..Shape::new(&[2, 3, 2], 100) });
    }
    for (grid, base) in [(1, BaseFunction::Zero), (40, BaseFunction::Identity), (70, BaseFunction::Silu)] {
        check(&Shape { grid, base, ..Shape::new(&[2, 6, 2], 300) });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_agrees(
        widths in prop::collection::vec(1_usize..22, 2..5),
        products in 0_usize..3,
        grid in 1_usize..14,
        degree in 2_usize..5,
        base in prop::sample::select(vec![BaseFunction::Zero, BaseFunction::Identity, BaseFunction::Silu]),
        masked in 0.0..0.6,
        rows in 1_usize..700,
        seed in 0_u64..1000,
    ) {
        check(&Shape { widths, products, grid, degree, base, masked, rows, seed });
    }
}

/// The same tests once more, in a process that is told to do without AVX2.
#[test]
fn the_portable_cpu_agrees_too() {
    if is_portable() {
        return;
    }
    let program = std::env::current_exe().expect("this test");
    let run = std::process::Command::new(program).env("KANRL_PORTABLE", "1").output().expect("this test again");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}
