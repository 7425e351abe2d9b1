//! Nothing but benches: `cargo bench -p benches --bench AREA`.
