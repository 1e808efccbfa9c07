package main

import "context"

func runWide(ctx context.Context, o *options, r *report) error { return nil }
func runLive(ctx context.Context, o *options, r *report) error { return nil }
func runMany(ctx context.Context, o *options, r *report) error { return nil }
