//! The inner loops, over one chunk of rows: plain loops over fixed-size arrays that compilers turn into vector code.
//!
//! Every function is inlined into two callers in [`simd`](super::simd): one for any processor, one compiled for AVX2 and
//! FMA. With `FMA` products and sums are rounded once, without it twice; nothing else differs. Where compilers need help
//! there is an AVX2 version by hand in `simd::avx2`.

mod basis;
mod products;

pub(super) use basis::{FEW_KNOTS, KnotTable, fill_base, fill_features};
pub(super) use products::{Start, combine, products, source_gradient, sum};
