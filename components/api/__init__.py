"""The API and its public door: one module is one platform, all of them satisfy one contract."""
