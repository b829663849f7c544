"""The names of the model of configurations, under the modules where older programs look for them."""
