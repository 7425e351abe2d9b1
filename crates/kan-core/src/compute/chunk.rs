//! Chunks of rows, and the segments that they are split into.

/// Rows that are computed at once.
pub const ROWS: usize = 64;

/// One value for each row of a chunk.
pub type Column<S> = [S; ROWS];

/// Segments that a batch is split into at most, for parallel work.
const SEGMENTS: usize = 32;
/// Chunks in a segment at least.
const CHUNKS_PER_SEGMENT: usize = 8;

/// Chunks in each segment of a batch of `chunks`; the split depends on nothing else.
pub(super) fn segment_length(chunks: usize) -> usize {
    chunks.div_ceil(SEGMENTS).max(CHUNKS_PER_SEGMENT)
}
