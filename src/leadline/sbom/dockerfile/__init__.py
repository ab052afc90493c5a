"""Dockerfiles, judged by the rules that judge the configuration of an image. Reads texts alone, runs and fetches nothing."""
