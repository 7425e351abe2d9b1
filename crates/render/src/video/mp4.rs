use super::{Encoder, Format, VideoError, failed};
use kanrl_core::environment::Frame;
use muxide::api::{Muxer, MuxerBuilder, VideoCodec};
use openh264::encoder::{
    BitRate, EncoderConfig, FrameRate, FrameType, IntraFramePeriod, QpRange, RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::{RgbSliceU8, YUVBuffer};
use openh264::{OpenH264API, Timestamp};
use std::borrow::Cow;

/// H.264 in an MP4 container whose index comes first.
pub(super) struct Mp4 {
    encoder: openh264::encoder::Encoder,
    muxer: Muxer<Vec<u8>>,
    picture: YUVBuffer,
    packet: Vec<u8>,
    frames_per_second: u32,
    frames: u64,
}

impl Mp4 {
    pub fn new(width: usize, height: usize, frames_per_second: u32) -> Result<Self, VideoError> {
        let failed = |error: openh264::Error| failed(Format::Mp4)(error);
        let (width, height) = (width.next_multiple_of(2), height.next_multiple_of(2));
        let rate = frames_per_second as f32;
        let config = EncoderConfig::new()
            .max_frame_rate(FrameRate::from_hz(rate))
            .intra_frame_period(IntraFramePeriod::from_num_frames(2 * frames_per_second))
            // Flat pictures with sharp edges: constant quality, however many bits that takes.
            .usage_type(UsageType::ScreenContentRealTime)
            .rate_control_mode(RateControlMode::Bufferbased)
            .bitrate(BitRate::from_bps(8_000_000))
            .qp(QpRange::new(14, 22))
            .skip_frames(false)
            .adaptive_quantization(false)
            .background_detection(false)
            .vui(VuiConfig::bt601())
            // One thread: the bytes must not depend on the machine. Videos are encoded side by side anyway.
            .num_threads(1);
        let encoder =
            openh264::encoder::Encoder::with_api_config(OpenH264API::from_source(), config).map_err(failed)?;
        let muxer = MuxerBuilder::new(Vec::new())
            .video(VideoCodec::H264, width as u32, height as u32, f64::from(frames_per_second))
            .with_fast_start(true)
            .build()
            .map_err(super::failed(Format::Mp4))?;
        let picture = YUVBuffer::new(width, height);
        Ok(Self { encoder, muxer, picture, packet: Vec::new(), frames_per_second, frames: 0 })
    }
}

impl Encoder for Mp4 {
    fn push(&mut self, frame: &Frame) -> Result<(), VideoError> {
        let even = with_even_sides(frame);
        self.picture.read_rgb8(RgbSliceU8::new(&even.rgb, (even.width, even.height)));
        let milliseconds = self.frames * 1000 / u64::from(self.frames_per_second);
        let failed = failed(Format::Mp4);
        let packet = self.encoder.encode_at(&self.picture, Timestamp::from_millis(milliseconds)).map_err(&failed)?;
        self.packet.clear();
        packet.write_vec(&mut self.packet);
        let is_key_frame = matches!(packet.frame_type(), FrameType::IDR);
        let seconds = self.frames as f64 / f64::from(self.frames_per_second);
        self.frames += 1;
        self.muxer.write_video(seconds, &self.packet, is_key_frame).map_err(super::failed(Format::Mp4))
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, VideoError> {
        self.muxer.finish_in_place().map_err(failed(Format::Mp4))?;
        Ok(self.muxer.into_writer())
    }
}

/// H.264 stores colors for every second column and row only: doubles the last ones where a side is odd.
fn with_even_sides(frame: &Frame) -> Cow<'_, Frame> {
    let (width, height) = (frame.width.next_multiple_of(2), frame.height.next_multiple_of(2));
    if (width, height) == (frame.width, frame.height) {
        return Cow::Borrowed(frame);
    }
    let mut rgb = Vec::with_capacity(width * height * 3);
    for row in frame.rgb.chunks_exact(frame.width * 3) {
        rgb.extend_from_slice(row);
        rgb.extend_from_slice(&row[row.len() - 3 * (width - frame.width)..]);
    }
    let last_row = rgb.len() - width * 3 * (height - frame.height);
    rgb.extend_from_within(last_row..);
    Cow::Owned(Frame { width, height, rgb })
}
