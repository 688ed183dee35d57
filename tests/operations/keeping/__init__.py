"""Tests of what keeps promises."""
