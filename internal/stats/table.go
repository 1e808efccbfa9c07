package stats

// table lists every operation but the percentiles, whose names are a pattern.
// It is never changed.
var table = []*definition{
	&opSamples, &opNulls, &opNaNs,
	&opSum, &opMin, &opMax, &opMean, &opMedian, &opQ1, &opQ3,
	&opStdev, &opVariance, &opPstdev, &opPvariance,
	&opRange, &opRMS, &opStderr, &opIQR, &opMAD, &opSkewness, &opKurtosis,
	&opFirst, &opLast, &opSlope,
}
