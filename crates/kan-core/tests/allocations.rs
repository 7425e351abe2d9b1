//! Evaluating an objective again and again allocates nothing for rows.
#![allow(unsafe_code, reason = "a counting allocator implements an unsafe trait")]

use kanrl_core::approximator::{Loss, Samples};
use kanrl_core::compute::{Batch, Plan, Workspace};
use kanrl_core::kan::{LayerShape, Network};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static COUNT: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn passes_over_the_rows_allocate_nothing() {
    let shape =
        LayerShape { inputs: 4, sums: 12, products: vec![2], grid: 5, degree: 3, base: Default::default(), noise: 0.3 };
    let layers = [shape.clone(), LayerShape { inputs: 13, sums: 2, products: vec![], ..shape }];
    let graph = Network::new(&layers, 0).graph();
    let plan = Plan::<f64>::new(&graph);
    let parameters = plan.load(&graph);
    let count = |rows: usize| {
        let inputs: Vec<f64> = (0..rows * 4).map(|i| (i % 101) as f64 / 50.0 - 1.0).collect();
        let (targets, weights) = (vec![0.5; rows * 2], vec![1.0; rows]);
        let samples = Samples { inputs: &inputs, targets: &targets, weights: &weights };
        let batch = Batch::new(&graph.inputs, 2, samples);
        let mut workspace = Workspace::new(&plan, &batch);
        let mut gradient = vec![0.0; plan.parameters()];
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
        pool.install(|| {
            let mut pass = || {
                let loss = &Loss::MeanSquared;
                plan.loss(&parameters, &batch, loss, &mut workspace);
                plan.loss_and_gradient(&parameters, &batch, loss, None, &mut workspace, &mut gradient)
            };
            pass();
            let before = COUNT.load(Ordering::Relaxed);
            pass();
            COUNT.load(Ordering::Relaxed) - before
        })
    };
    assert_eq!((count(64), count(10_000)), (0, 0));
}
