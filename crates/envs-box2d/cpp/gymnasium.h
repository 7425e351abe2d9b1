// Included before every file of Box2D 2.3.1: makes it compute what pybox2d's 2.3.0 computes, and without data races.
#pragma once

// Box2D counts its collision queries in globals that nothing reads. With these names the definitions become declarations
// of the functions below, and every thread counts for itself.
#define b2_gjkCalls (*box2d_int_counter())
#define b2_gjkIters (*box2d_int_counter())
#define b2_gjkMaxIters (*box2d_int_counter())
#define b2_toiCalls (*box2d_int_counter())
#define b2_toiIters (*box2d_int_counter())
#define b2_toiMaxIters (*box2d_int_counter())
#define b2_toiRootIters (*box2d_int_counter())
#define b2_toiMaxRootIters (*box2d_int_counter())
#define b2_toiTime (*box2d_float_counter())
#define b2_toiMaxTime (*box2d_float_counter())

// The one formula that was rounded differently before 2.3.1, met whenever a body is stopped at its time of impact.
#define b2Sweep b2Sweep_2_3_1
#include <Box2D/Common/b2Math.h>
#undef b2Sweep

struct b2Sweep : b2Sweep_2_3_1
{
	void Advance(float32 alpha)
	{
		b2Assert(alpha0 < 1.0f);
		float32 beta = (alpha - alpha0) / (1.0f - alpha0);
		c0 = (1.0f - beta) * c0 + beta * c;
		a0 = (1.0f - beta) * a0 + beta * a;
		alpha0 = alpha;
	}
};
