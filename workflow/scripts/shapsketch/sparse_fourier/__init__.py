"""The sparse q-ary Fourier transform: subsampling, parity checks, bins, and peeling."""
