"""Float32 values that float16 cannot hold, and what a correct converter makes of them."""

EXTREMES = {
    1.0 + 2**-11: 1.0,  # halfway: down to even
    1.0 + 3 * 2**-11: 1.0 + 2**-9,  # halfway: up to even
    1.0 + 2**-11 + 2**-20: 1.0 + 2**-10,
    -0.1: -0.0999755859375,
    65504.0: 65504.0,  # the largest float16
    65519.0: 65504.0,
    65520.0: 65504.0,  # a cast would give infinity
    1e6: 65504.0,
    -1e6: -65504.0,
    float("inf"): 65504.0,
    float("nan"): float("nan"),
    2.0**-24: 2.0**-24,  # the smallest subnormal float16
    2.0**-25: 0.0,  # halfway to it: down to even
    1e-9: 0.0,
    1e-7: 1.1920928955078125e-07,
    -0.0: -0.0,
}
"""Each value, and its float16."""
